terraform {
  required_version = ">= 1.5.7"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # the first version whose release notes list the runtime nodejs24.x
      version = ">= 6.20"
    }
  }
}
