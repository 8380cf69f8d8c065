variable "region" {
  description = "Where everything is created."
  type        = string
  default     = "eu-central-1"
}

variable "bucket" {
  description = "An existing bucket in that region, for the function's zip."
  type        = string
}

variable "secret_key_arn" {
  description = "The customer key that the secrets are encrypted with."
  type        = string
}

variable "kms_key_arn" {
  description = "The customer key for the environment, the log, the queues and the schedules, if any."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "The permissions boundary that the account demands of roles, if any."
  type        = string
  default     = null
}
