output "function_arn" {
  description = "The function that sweeps; JOBSWEEP_FUNCTION_ARN of the command."
  value       = aws_lambda_function.this.arn
}

output "schedule_group_name" {
  description = "The group of all schedules; JOBSWEEP_SCHEDULE_GROUP of the command."
  value       = aws_scheduler_schedule_group.this.name
}

output "scheduler_role_arn" {
  description = "The role that schedules invoke with; JOBSWEEP_SCHEDULER_ROLE_ARN of the command."
  value       = local.scheduler_role_arn
}

output "undelivered_queue_arn" {
  description = "The queue for events that the Scheduler could not deliver; JOBSWEEP_DLQ_ARN of the command."
  value       = aws_sqs_queue.undelivered.arn
}

output "failed_queue_url" {
  description = "The queue for events that ended without a report."
  value       = aws_sqs_queue.failed.url
}

output "dashboard_url" {
  description = "The dashboard in the AWS console."
  value       = local.partition == "aws-us-gov" ? "https://console.amazonaws-us-gov.com/${local.dashboard_path}" : "https://${local.region}.console.${data.aws_partition.current.dns_suffix}/${local.dashboard_path}"
}

locals {
  dashboard_path = "cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.this.dashboard_name}"
}
