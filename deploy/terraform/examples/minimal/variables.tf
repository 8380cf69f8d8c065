variable "region" {
  description = "Where everything is created."
  type        = string
  default     = "eu-central-1"
}
