# Several clusters: a schedule for each, at different times. Each cluster's connection is in a separate secret, named by
# `secret_prefix` and the cluster's name, so a problem with one cluster does not affect the others.

locals {
  zip = "${path.module}/../../../../dist/function.zip"
}

resource "aws_s3_object" "function" {
  bucket      = var.bucket
  key         = "jobsweep/function.zip"
  source      = local.zip
  source_hash = filesha256(local.zip)
}

resource "aws_sns_topic" "oncall" {
  name = "jobsweep-oncall"
}

resource "aws_sqs_queue" "reports" {
  name = "jobsweep-reports"
}

module "jobsweep" {
  source = "../.."

  name = "jobsweep-prod"

  package = {
    s3 = {
      bucket = aws_s3_object.function.bucket
      key    = aws_s3_object.function.key
    }
    hash = filebase64sha256(local.zip)
  }

  schedules = {
    logs-nightly = {
      description = "Close the jobs of the logs cluster that have been idle for two days."
      expression  = "cron(0 2 * * ? *)"
      timezone    = "Europe/Berlin"
      request     = jsonencode({ cluster = "logs", idleFor = "48h" })
    }

    metrics-on-workdays = {
      description = "Close the idle jobs of the metrics cluster, on workday mornings."
      expression  = "cron(30 5 ? * MON-FRI *)"
      timezone    = "America/New_York"
      request     = jsonencode({ cluster = "metrics", idleFor = "24h", exclude = ["capacity-*"] })
    }

    search-failed = {
      description    = "Every six hours, only the failed jobs of the search cluster."
      expression     = "rate(6 hours)"
      window_minutes = 30
      state          = "paused"
      request        = jsonencode({ cluster = "search", states = ["failed"], idleFor = "12h" })
      retry          = { max_age_seconds = 1800, attempts = 3 }
    }
  }

  schedules_by            = "stack"
  schedule_group          = "jobsweep"
  secret                  = null
  secret_prefix           = "jobsweep/"
  clusters_secret         = null # replaces the prefix
  secret_key_arn          = var.secret_key_arn
  clusters                = ["logs", "metrics"]
  reserved_concurrency    = 2
  maximum_event_age       = 7200
  memory_size             = 1024
  log_retention_days      = 90
  alarm_topic_arn         = aws_sns_topic.oncall.arn
  success_destination_arn = aws_sqs_queue.reports.arn
  reports_namespace       = "prod"
  reports_secret          = "monitoring/reports"
  notify_topic_arn        = aws_sns_topic.oncall.arn
  notify_topic_key_arn    = null
  notify_event_bus_arn    = null
  notify_when             = "problems"
  missing_after_hours     = 80 # from Friday to Monday

  # clusters that can be reached only inside the VPC, and a proxy for everything else
  subnet_ids         = ["subnet-0a1b2c3d4e5f67890", "subnet-09f8e7d6c5b4a3210"]
  security_group_ids = ["sg-0a1b2c3d4e5f67890"]
  ipv6_dual_stack    = false
  https_proxy        = "http://proxy.example.com:3128"
  http_proxy         = null
  no_proxy           = ".example.com,10.0.0.0/8"
  extra_ca_certs     = "/opt/authorities.pem"
  layer_arns         = ["arn:aws:lambda:eu-central-1:123456789012:layer:authorities:1"]

  architecture             = "x86_64"
  tracing                  = "Active"
  log_level                = "WARN"
  logs_on_removal          = "keep"
  tags                     = { team = "search" }
  kms_key_arn              = var.kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
  role_path                = "/jobsweep/"
  function_role_arn        = null # an existing role
  scheduler_role_arn       = null # an existing role
}
