# Everything that needs no provider. Terraform can check this file and variables.tf without a network.

locals {
  function_name       = "${var.name}-sweep"
  schedule_group_name = coalesce(var.schedule_group, var.name)

  requests = { for name, schedule in var.schedules : name => jsondecode(schedule.request) }

  # The Scheduler replaces the two texts in angle brackets. jsonencode would write the brackets as \u003c and \u003e,
  # which the Scheduler does not know (hashicorp/terraform#38733), so they stay outside of it.
  trigger = "\"trigger\":{\"scheduleArn\":\"<aws.scheduler.schedule-arn>\",\"scheduledTime\":\"<aws.scheduler.scheduled-time>\"}"
  inputs = {
    for name, request in local.requests : name => format("{%s}", join(",", concat(
      [for field, value in request : "${jsonencode(field)}:${jsonencode(value)}" if field != "$schema"],
      [local.trigger],
    )))
  }

  clusters = length(var.clusters) > 0 ? var.clusters : distinct([for request in values(local.requests) : try(request.cluster, "default")])

  # Empty variables are left out, so that the console shows only those in use.
  secret_environment = {
    for name, value in {
      ELASTICSEARCH_SECRET        = var.secret
      ELASTICSEARCH_SECRET_PREFIX = var.secret_prefix
    } : name => value if value != null
  }

  alarm_actions = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
}
