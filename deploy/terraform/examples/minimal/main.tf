# One cluster, whose connection is in the secret jobsweep/default. Each night, a dry run reports which jobs a sweep
# would close.
module "jobsweep" {
  source = "../.."

  package = { path = "${path.module}/../../../../dist/function.zip" }

  schedules = {
    nightly = {
      description    = "Report every night which jobs a sweep would close."
      expression     = "cron(0 2 * * ? *)"
      window_minutes = 15
      request        = jsonencode({ dryRun = true })
    }
  }
}
