resource "aws_cloudwatch_metric_alarm" "sweep_failed" {
  alarm_name          = "${var.name}-sweep-failed"
  alarm_description   = "A sweep ended without a report: the log says why (a setting, the request, or the cluster). What to do: ${local.runbook}#alarm-sweep-failed"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "undelivered" {
  alarm_name          = "${var.name}-undelivered"
  alarm_description   = "The Scheduler gave up on invoking the function: see the attributes of the messages in the queue. What to do: ${local.runbook}#alarm-undelivered"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.undelivered.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "failed_events" {
  alarm_name          = "${var.name}-failed-events"
  alarm_description   = "Lambda gave up on an event: the sweep failed, or it waited for more than ${var.maximum_event_age} seconds. What to do: ${local.runbook}#alarm-failed-events"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.failed.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "notify_failed" {
  alarm_name          = "${var.name}-notify-failed"
  alarm_description   = "A notification did not reach its target; the sweep itself is not affected. What to do: ${local.runbook}#alarm-notify-failed"
  namespace           = "jobsweep"
  metric_name         = "notifyErrors"
  dimensions          = { service = "jobsweep", function = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "destination_failed" {
  alarm_name          = "${var.name}-destination-failed"
  alarm_description   = "Lambda could not deliver the record of a sweep to its destination. What to do: ${local.runbook}#alarm-destination-failed"
  namespace           = "AWS/Lambda"
  metric_name         = "DestinationDeliveryFailures"
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "clusters_need_attention" {
  for_each = toset(local.is_fleet ? ["all"] : [])

  alarm_name          = "${var.name}-clusters-need-attention"
  alarm_description   = "A sweep of the cluster that the contributor names was refused, is partial, or failed: its log line says why. What to do: ${local.runbook}#alarm-clusters-need-attention"
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags

  metric_query {
    id = "clusters"
    # sorted so that the clusters to report are among the 500 series that CloudWatch evaluates
    expression  = "SELECT MAX(needsAttention) ${local.across_clusters} GROUP BY cluster ORDER BY MAX() DESC"
    period      = 300
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "roll_call" {
  for_each = toset(local.has_roll_call ? ["all"] : [])

  alarm_name          = "${var.name}-roll-call"
  alarm_description   = "The roll call missed clusters: its log line lists those that have not reported. What to do: ${local.runbook}#alarm-roll-call"
  namespace           = "jobsweep"
  metric_name         = "missingClusters"
  dimensions          = { service = "jobsweep", function = aws_lambda_function.this.function_name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

# The alarm for a cluster that had a first sweep but no recent one. CloudWatch has no alarm that waits for its first
# data, so this takes three alarms: two on the metric, and one that combines them. Without data, one of the two becomes
# INSUFFICIENT_DATA and the other keeps its last state. Before the first sweep, both are INSUFFICIENT_DATA, which does
# not trigger the combined alarm.
resource "aws_cloudwatch_metric_alarm" "recent_sweep" {
  for_each = toset(local.clusters)

  alarm_name          = "${var.name}-recent-sweep-${each.key}"
  alarm_description   = "OK while a sweep of the cluster ${each.key} finished within ${var.missing_after_hours} hours, else insufficient data."
  namespace           = "jobsweep"
  metric_name         = "durationMs"
  dimensions          = { service = "jobsweep", cluster = each.key }
  statistic           = "SampleCount"
  period              = 3600
  evaluation_periods  = var.missing_after_hours
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "missing"
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "first_sweep" {
  for_each = toset(local.clusters)

  alarm_name          = "${var.name}-first-sweep-${each.key}"
  alarm_description   = "OK since the first sweep of the cluster ${each.key}, before it insufficient data."
  namespace           = "jobsweep"
  metric_name         = "durationMs"
  dimensions          = { service = "jobsweep", cluster = each.key }
  statistic           = "SampleCount"
  period              = 3600
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "ignore"
  tags                = var.tags
}

resource "aws_cloudwatch_composite_alarm" "sweep_overdue" {
  for_each = toset(local.clusters)

  alarm_name        = "${var.name}-sweep-overdue-${each.key}"
  alarm_description = "No sweep of the cluster ${each.key} finished within ${var.missing_after_hours} hours. What to do: ${local.runbook}#alarm-sweep-overdue"
  alarm_rule        = "INSUFFICIENT_DATA(\"${aws_cloudwatch_metric_alarm.recent_sweep[each.key].arn}\") AND OK(\"${aws_cloudwatch_metric_alarm.first_sweep[each.key].arn}\")"
  alarm_actions     = local.alarm_actions
  ok_actions        = local.alarm_actions
  tags              = var.tags
}

resource "aws_cloudwatch_metric_alarm" "fuse_blew" {
  for_each = toset(local.clusters)

  alarm_name          = "${var.name}-fuse-blew-${each.key}"
  alarm_description   = "A fuse stopped a sweep of the cluster ${each.key} before it closed anything: read the report before you raise a limit. What to do: ${local.runbook}#alarm-fuse-blew"
  namespace           = "jobsweep"
  metric_name         = "refused"
  dimensions          = { service = "jobsweep", cluster = each.key }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "jobs_stuck" {
  for_each = toset(local.clusters)

  alarm_name          = "${var.name}-jobs-stuck-${each.key}"
  alarm_description   = "A sweep of the cluster ${each.key} left jobs that failed, are unknown, or have no follow-up. What to do: ${local.runbook}#alarm-jobs-stuck"
  namespace           = "jobsweep"
  metric_name         = "partial"
  dimensions          = { service = "jobsweep", cluster = each.key }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}
