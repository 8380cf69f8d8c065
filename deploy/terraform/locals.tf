# Everything that needs no provider, so that Terraform can check this file and variables.tf without a network.

locals {
  function_name       = "${var.name}-sweep"
  schedule_group_name = coalesce(var.schedule_group, var.name)

  requests = { for name, schedule in var.schedules : name => jsondecode(schedule.request) }

  # The Scheduler replaces the two texts in angle brackets. jsonencode would write the brackets as \u003c and \u003e,
  # which the Scheduler does not recognise (hashicorp/terraform#38733), so the trigger is written without jsonencode.
  trigger = "\"trigger\":{\"scheduleArn\":\"<aws.scheduler.schedule-arn>\",\"scheduledTime\":\"<aws.scheduler.scheduled-time>\"}"
  inputs = {
    for name, request in local.requests : name => format("{%s}", join(",", concat(
      [for field, value in request : "${jsonencode(field)}:${jsonencode(value)}" if field != "$schema"],
      [local.trigger],
    )))
  }

  roll_calls = [for request in values(local.requests) : request if can(request.rollCall)]
  swept      = distinct([for request in values(local.requests) : try(request.cluster, "default") if !can(request.rollCall)])

  # The clusters with separate alarms. If there are more than 20 clusters, only those in `clusters` have separate
  # alarms.
  by_default = length(local.swept) <= 20 ? local.swept : []
  clusters   = length(var.clusters) > 0 ? var.clusters : local.by_default

  # True if any cluster has no separate alarms. Also true without schedules, because then only the command knows the
  # clusters.
  is_fleet        = length(local.swept) == 0 || length(setsubtract(local.swept, local.clusters)) > 0
  has_roll_call   = local.is_fleet || length(local.roll_calls) > 0
  across_clusters = "FROM SCHEMA(\"jobsweep\", cluster, service)"

  # The shared secret replaces the prefix, which has a default.
  secret_prefix = var.clusters_secret == null ? var.secret_prefix : null

  # Empty variables are omitted, so that the console shows only those in use.
  optional_environment = {
    for name, value in {
      ELASTICSEARCH_SECRET          = var.secret
      ELASTICSEARCH_SECRET_PREFIX   = local.secret_prefix
      ELASTICSEARCH_CLUSTERS_SECRET = var.clusters_secret
      JOBSWEEP_REPORTS_NAMESPACE    = var.reports_namespace
      JOBSWEEP_REPORTS_SECRET       = var.reports_secret
      JOBSWEEP_NOTIFY_SNS_TOPIC_ARN = var.notify_topic_arn
      JOBSWEEP_NOTIFY_EVENT_BUS     = var.notify_event_bus_arn
      JOBSWEEP_NOTIFY_WHEN          = var.notify_when == "changes" ? null : var.notify_when
      JOBSWEEP_KMS_KEY_ARN          = var.kms_key_arn
    } : name => value if value != null
  }

  network_environment = {
    for name, value in {
      HTTPS_PROXY                  = var.https_proxy
      HTTP_PROXY                   = var.http_proxy
      NO_PROXY                     = var.no_proxy
      NODE_EXTRA_CA_CERTS          = var.extra_ca_certs
      JOBSWEEP_VPC_SUBNETS         = local.in_vpc ? join(",", var.subnet_ids) : null
      JOBSWEEP_VPC_SECURITY_GROUPS = local.in_vpc ? join(",", var.security_group_ids) : null
    } : name => value if value != null
  }

  in_vpc = length(var.subnet_ids) > 0

  # The page to which the alarms' descriptions link.
  runbook = "https://github.com/jobsweep/jobsweep/blob/main/docs/runbook.md"

  # The customer keys with which the schedules are encrypted.
  schedule_keys = distinct(compact(concat([var.kms_key_arn], [for schedule in values(var.schedules) : schedule.kms_key_arn])))

  alarm_actions = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
}
