variable "name" {
  description = "What the names of all resources begin with. Unique in the account and region."
  type        = string
  default     = "jobsweep"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{0,35}$", var.name))
    error_message = "Expected 1 to 36 letters, digits, hyphens and underscores, the first a letter or a digit."
  }
}

variable "package" {
  description = <<-EOT
    The function's zip from `npm run package`: `path` of the file, or `s3` with the object that holds it, in the
    function's region. With `s3`, `hash` is the SHA-256 in base64, as `npm run package` prints it; a new hash updates
    the function.
  EOT
  type = object({
    path = optional(string)
    s3 = optional(object({
      bucket  = string
      key     = string
      version = optional(string)
    }))
    hash = optional(string)
  })
  nullable = false

  validation {
    condition     = (var.package.path == null) != (var.package.s3 == null)
    error_message = "Expected exactly one of path and s3."
  }
}

variable "schedules" {
  description = <<-EOT
    The recurring sweeps, by name. `request` is the payload as JSON, for example `jsonencode({ idleFor = "48h" })`;
    `expression` is `cron(…)`, `rate(…)` or `at(…)`; `state` is `enabled` or `paused`. A sweep may start up to
    `window_minutes` later than due. An invocation that cannot be delivered is retried and then goes to
    `dead_letter_arn`, by default the module's own queue.
  EOT
  type = map(object({
    request         = string
    expression      = string
    timezone        = optional(string, "UTC")
    description     = optional(string)
    window_minutes  = optional(number)
    start           = optional(string)
    end             = optional(string)
    state           = optional(string, "enabled")
    retry           = optional(object({ max_age_seconds = optional(number, 3600), attempts = optional(number, 10) }), {})
    dead_letter_arn = optional(string)
    kms_key_arn     = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    # the module adds a prefix of six characters
    condition     = alltrue([for name in keys(var.schedules) : can(regex("^[0-9a-zA-Z_.-]{1,58}$", name))])
    error_message = "Expected names of 1 to 58 letters, digits, hyphens, underscores and dots."
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : can(keys(jsondecode(schedule.request)))])
    error_message = "Expected each request to be a JSON object, for example jsonencode({ idleFor = \"48h\" })."
  }

  validation {
    # finds a misspelled field here, before the function finds it at night
    condition = alltrue([
      for schedule in values(var.schedules) : can(jsondecode(schedule.request).rollCall) || try(length(setsubtract(keys(jsondecode(schedule.request)), [
        "$schema", "allowNoMatch", "close", "cluster", "dryRun", "exclude", "followUp", "force", "fuse", "idleFor",
        "jobs", "managed", "neverFed", "notify", "runningDatafeeds", "states", "stuckOpening",
      ])), 1) == 0
    ])
    error_message = "A request has an unknown field. docs/reference.md lists the fields of a request."
  }

  validation {
    condition = alltrue([
      for schedule in values(var.schedules) : !can(jsondecode(schedule.request).rollCall) || try(
        length(setsubtract(keys(jsondecode(schedule.request)), ["rollCall", "clusters", "within"])), 1
      ) == 0
    ])
    error_message = "A roll call has an unknown field. Expected rollCall, clusters and within."
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : can(regex("^(cron|rate|at)\\(.+\\)$", schedule.expression))])
    error_message = "Expected each expression to be cron(…), rate(…) or at(…)."
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : contains(["enabled", "paused"], schedule.state)])
    error_message = "Expected each state to be enabled or paused."
  }
}

variable "schedule_group" {
  description = "The schedule group for these schedules and for the follow-ups that sweeps create. The default is `name`."
  type        = string
  default     = null

  validation {
    condition     = var.schedule_group == null || can(regex("^[0-9a-zA-Z_.-]{1,64}$", var.schedule_group))
    error_message = "Expected 1 to 64 letters, digits, hyphens, underscores and dots."
  }
}

variable "secret" {
  description = "The secret of Secrets Manager with the connection of the cluster `default`, or `ssm:` and the name of a parameter of SSM; null for none."
  type        = string
  default     = "jobsweep/default"

  validation {
    condition     = var.secret == null || can(regex("^(ssm:)?[0-9a-zA-Z_/+=.@-]{1,512}$", var.secret))
    error_message = "Expected the name of a secret, or \"ssm:\" and the name of a parameter, not an ARN."
  }
}

variable "secret_prefix" {
  description = "What the names of the other clusters' secrets begin with, or `ssm:` and what the names of parameters begin with; null for none."
  type        = string
  default     = "jobsweep/"

  validation {
    condition     = var.secret_prefix == null || can(regex("^(ssm:)?[0-9a-zA-Z_/+=.@-]{1,400}$", var.secret_prefix))
    error_message = "Expected what the names of secrets begin with."
  }
}

variable "clusters_secret" {
  description = "Instead of the prefix: one secret, or `ssm:` and a parameter, for all clusters other than `default`; a JSON with a key for each. Null for none."
  type        = string
  default     = null

  validation {
    condition     = var.clusters_secret == null || can(regex("^(ssm:)?[0-9a-zA-Z_/+=.@-]{1,512}$", var.clusters_secret))
    error_message = "Expected the name of a secret, or \"ssm:\" and the name of a parameter, not an ARN."
  }
}

variable "schedules_by" {
  description = "What creates the schedules: `stack`, this module; `command`, `jobsweep schedules apply`, which can make 1,000."
  type        = string
  default     = "stack"
  nullable    = false

  validation {
    condition     = contains(["stack", "command"], var.schedules_by)
    error_message = "Expected stack or command."
  }
}

variable "secret_key_arn" {
  description = "The customer key that these secrets are encrypted with; null for the service's own key."
  type        = string
  default     = null

  validation {
    condition     = var.secret_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:", var.secret_key_arn))
    error_message = "Expected the ARN of a KMS key."
  }
}

variable "clusters" {
  description = "The clusters with alarms of their own. If empty: those that the schedules name, up to 20. One alarm covers all others."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "reserved_concurrency" {
  description = "Concurrent sweeps (reserved concurrency). Further events wait for at most `maximum_event_age`. null reserves nothing, for new accounts, whose quota allows no reservation."
  type        = number
  default     = 1

  validation {
    condition     = var.reserved_concurrency == null ? true : var.reserved_concurrency >= 1 && var.reserved_concurrency <= 1000 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "Expected a whole number from 1 to 1000, or null."
  }
}

variable "maximum_event_age" {
  description = "How long an event waits for a running sweep, in seconds."
  type        = number
  default     = 3600
  nullable    = false

  validation {
    condition     = var.maximum_event_age >= 60 && var.maximum_event_age <= 21600 && floor(var.maximum_event_age) == var.maximum_event_age
    error_message = "Expected a whole number from 60 to 21600."
  }
}

variable "memory_size" {
  description = "The function's memory, in MB."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "Expected a whole number from 128 to 10240."
  }
}

variable "log_retention_days" {
  description = "How long the function's log is kept, in days."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days,
    )
    error_message = "Expected a retention time of CloudWatch Logs, such as 30, 90 or 365."
  }
}

variable "alarm_topic_arn" {
  description = "An SNS topic for the alarms; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_topic_arn == null || can(regex("^arn:aws[a-z-]*:sns:", var.alarm_topic_arn))
    error_message = "Expected the ARN of an SNS topic."
  }
}

variable "success_destination_arn" {
  description = "A destination for the report of each sweep: a queue, a topic, an event bus or a function; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.success_destination_arn == null || can(regex("^arn:aws[a-z-]*:(sqs|sns|events|lambda):", var.success_destination_arn))
    error_message = "Expected the ARN of a queue, a topic, an event bus or a function."
  }
}

variable "missing_after_hours" {
  description = "Hours without a sweep of a cluster that raise an alarm: a little more than the time between two sweeps."
  type        = number
  default     = 26
  nullable    = false

  validation {
    condition     = var.missing_after_hours >= 1 && var.missing_after_hours <= 168 && floor(var.missing_after_hours) == var.missing_after_hours
    error_message = "Expected a whole number from 1 to 168: an alarm evaluates at most seven days."
  }
}

variable "subnet_ids" {
  description = "The subnets of a VPC, at least two in two zones; empty for none. docs/deploying.md says what they need."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) <= 16 && alltrue([for id in var.subnet_ids : can(regex("^subnet-([0-9a-f]{8}|[0-9a-f]{17})$", id))])
    error_message = "Expected at most 16 ids such as subnet-0a1b2c3d4e5f67890."
  }

  validation {
    condition     = (length(var.subnet_ids) == 0) == (length(var.security_group_ids) == 0)
    error_message = "Expected both subnet_ids and security_group_ids, or neither."
  }
}

variable "security_group_ids" {
  description = "The security groups of the function in the VPC. They must let the ports of Elasticsearch and 443 out."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.security_group_ids) <= 5 && alltrue([for id in var.security_group_ids : can(regex("^sg-([0-9a-f]{8}|[0-9a-f]{17})$", id))])
    error_message = "Expected at most 5 ids such as sg-0a1b2c3d4e5f67890."
  }
}

variable "ipv6_dual_stack" {
  description = "Lets the function use IPv6 in the VPC. All subnets must be dual-stack."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.ipv6_dual_stack || length(var.subnet_ids) > 0
    error_message = "It has no effect without subnet_ids."
  }
}

variable "https_proxy" {
  description = "The proxy for addresses with https://, such as http://proxy.example.com:3128; null for none. It is in the state, so without a password."
  type        = string
  default     = null

  validation {
    condition     = var.https_proxy == null || can(regex("^https?://[^@/?# ]+/?$", var.https_proxy))
    error_message = "Expected an address such as http://proxy.example.com:3128, without a password."
  }
}

variable "http_proxy" {
  description = "The proxy for addresses with http://; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.http_proxy == null || can(regex("^https?://[^@/?# ]+/?$", var.http_proxy))
    error_message = "Expected an address such as http://proxy.example.com:3128, without a password."
  }
}

variable "no_proxy" {
  description = "The hosts that are reached without a proxy, with commas: names, with all names below them, addresses, and ranges such as 10.0.0.0/8; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.no_proxy == null || var.https_proxy != null || var.http_proxy != null
    error_message = "It has no effect without https_proxy or http_proxy."
  }
}

variable "extra_ca_certs" {
  description = "A file with authorities to trust besides Node's, for AWS endpoints behind a proxy that inspects TLS. It comes from a layer, such as /opt/ca.pem; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.extra_ca_certs == null || can(regex("^/(var/task|opt)/[0-9A-Za-z_./-]+$", var.extra_ca_certs))
    error_message = "Expected a path in the package (/var/task/…) or in a layer (/opt/…)."
  }
}

variable "layer_arns" {
  description = "Versions of layers for the function."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.layer_arns) <= 5 && alltrue([for arn in var.layer_arns : can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[0-9A-Za-z_-]+:[0-9]+$", arn))])
    error_message = "Expected at most 5 ARNs of versions of layers."
  }
}

variable "reports_namespace" {
  description = "The namespace of the data streams that keep the reports in Elasticsearch; null keeps none there."
  type        = string
  default     = null

  validation {
    condition     = var.reports_namespace == null || can(regex("^[a-z0-9_.]{1,100}$", var.reports_namespace))
    error_message = "Expected 1 to 100 of a-z, 0-9, _ and the full stop."
  }
}

variable "reports_secret" {
  description = "The secret with the connection of the cluster for the reports; null: each swept cluster gets its own."
  type        = string
  default     = null

  validation {
    condition     = var.reports_secret == null || can(regex("^[0-9a-zA-Z_/+=.@-]{1,512}$", var.reports_secret))
    error_message = "Expected the name of a secret, not its ARN."
  }
}

variable "notify_topic_arn" {
  description = "An SNS topic for notifications (docs/notifications.md); null for none."
  type        = string
  default     = null

  validation {
    condition     = var.notify_topic_arn == null || (can(regex("^arn:aws[a-z-]*:sns:", var.notify_topic_arn)) && !can(regex("\\.fifo$", var.notify_topic_arn)))
    error_message = "Expected the ARN of a standard SNS topic."
  }
}

variable "notify_topic_key_arn" {
  description = "The customer key that the topic for notifications is encrypted with; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.notify_topic_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:", var.notify_topic_key_arn))
    error_message = "Expected the ARN of a KMS key."
  }
}

variable "notify_event_bus_arn" {
  description = "An event bus for notifications; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.notify_event_bus_arn == null || can(regex("^arn:aws[a-z-]*:events:", var.notify_event_bus_arn))
    error_message = "Expected the ARN of an event bus."
  }
}

variable "notify_when" {
  description = "Which sweeps notify, unless their request says: always, changes, problems or never."
  type        = string
  default     = "changes"
  nullable    = false

  validation {
    condition     = contains(["always", "changes", "problems", "never"], var.notify_when)
    error_message = "Expected always, changes, problems or never."
  }
}

variable "architecture" {
  description = "The processor of the function: `arm64` or `x86_64`."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Expected arm64 or x86_64."
  }
}

variable "tracing" {
  description = "X-Ray: `Active`, or `PassThrough` for none of its own."
  type        = string
  default     = "PassThrough"
  nullable    = false

  validation {
    condition     = contains(["Active", "PassThrough"], var.tracing)
    error_message = "Expected Active or PassThrough."
  }
}

variable "log_level" {
  description = "What Lambda logs, as JSON, such as WARN; null for plain text. The function's own lines are never dropped."
  type        = string
  default     = null

  validation {
    condition     = var.log_level == null || contains(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"], coalesce(var.log_level, "INFO"))
    error_message = "Expected TRACE, DEBUG, INFO, WARN, ERROR or FATAL."
  }
}

variable "logs_on_removal" {
  description = "Whether the log goes when the module is destroyed: `delete` or `keep`."
  type        = string
  default     = "delete"
  nullable    = false

  validation {
    condition     = contains(["delete", "keep"], var.logs_on_removal)
    error_message = "Expected delete or keep."
  }
}

variable "tags" {
  description = "Tags of all resources that can have them."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "kms_key_arn" {
  description = "The customer key for the function's environment, its log, the queues and the schedules, follow-ups included; null for the services' own keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "Expected the ARN of a KMS key, not of an alias."
  }
}

variable "permissions_boundary_arn" {
  description = "The permissions boundary of the module's roles; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/", var.permissions_boundary_arn))
    error_message = "Expected the ARN of an IAM policy."
  }
}

variable "role_path" {
  description = "The path of the module's roles, such as `/teams/search/`; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.role_path == null || can(regex("^/([0-9A-Za-z_+=,.@-]+/)+$", var.role_path))
    error_message = "Expected a path that begins and ends with a slash."
  }
}

variable "function_role_arn" {
  description = "An existing role of the function, instead of the module's own; null for none. `npm run policies` prints what it must allow."
  type        = string
  default     = null

  validation {
    condition     = var.function_role_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", var.function_role_arn))
    error_message = "Expected the ARN of an IAM role."
  }
}

variable "scheduler_role_arn" {
  description = "An existing role of the Scheduler, instead of the module's own; null for none. `npm run policies` prints what it must allow."
  type        = string
  default     = null

  validation {
    condition     = var.scheduler_role_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", var.scheduler_role_arn))
    error_message = "Expected the ARN of an IAM role."
  }
}
