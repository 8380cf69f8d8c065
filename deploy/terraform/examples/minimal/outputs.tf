output "function_arn" {
  description = "The function, for invoking it by hand."
  value       = module.jobsweep.function_arn
}
