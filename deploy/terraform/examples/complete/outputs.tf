output "function_arn" {
  description = "The function; JOBSWEEP_FUNCTION_ARN of the command."
  value       = module.jobsweep.function_arn
}

output "schedule_group_name" {
  description = "The group of all schedules; JOBSWEEP_SCHEDULE_GROUP of the command."
  value       = module.jobsweep.schedule_group_name
}

output "scheduler_role_arn" {
  description = "The role that schedules invoke with; JOBSWEEP_SCHEDULER_ROLE_ARN of the command."
  value       = module.jobsweep.scheduler_role_arn
}

output "undelivered_queue_arn" {
  description = "The queue for events that the Scheduler could not deliver; JOBSWEEP_DLQ_ARN of the command."
  value       = module.jobsweep.undelivered_queue_arn
}

output "dashboard_url" {
  description = "The dashboard in the AWS console."
  value       = module.jobsweep.dashboard_url
}
