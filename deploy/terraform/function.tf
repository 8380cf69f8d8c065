resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${local.function_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.logs_on_removal == "keep"
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  function_name = local.function_name
  description   = "Closes the idle anomaly detection jobs of an Elasticsearch cluster"
  role          = local.function_role_arn

  filename          = var.package.path
  s3_bucket         = try(var.package.s3.bucket, null)
  s3_key            = try(var.package.s3.key, null)
  s3_object_version = try(var.package.s3.version, null)
  source_code_hash  = var.package.path == null ? var.package.hash : coalesce(var.package.hash, filebase64sha256(var.package.path))

  handler       = "src/function/handler.handler"
  runtime       = "nodejs24.x"
  architectures = [var.architecture]
  timeout       = 900
  memory_size   = var.memory_size

  reserved_concurrent_executions = var.reserved_concurrency
  kms_key_arn                    = var.kms_key_arn
  tags                           = var.tags

  tracing_config {
    mode = var.tracing
  }

  # Lambda filters only JSON lines by level. The function's own lines pass the filter at every level.
  dynamic "logging_config" {
    for_each = var.log_level[*]

    content {
      log_format            = "JSON"
      application_log_level = logging_config.value
      system_log_level      = lookup({ TRACE = "DEBUG", DEBUG = "DEBUG", INFO = "INFO" }, logging_config.value, "WARN")
    }
  }

  layers = length(var.layer_arns) > 0 ? var.layer_arns : null

  dynamic "vpc_config" {
    for_each = local.in_vpc ? [true] : []

    content {
      subnet_ids                  = var.subnet_ids
      security_group_ids          = var.security_group_ids
      ipv6_allowed_for_dual_stack = var.ipv6_dual_stack ? true : null
    }
  }

  environment {
    variables = merge(local.optional_environment, local.network_environment, {
      JOBSWEEP_SCHEDULE_GROUP     = aws_scheduler_schedule_group.this.name
      JOBSWEEP_SCHEDULER_ROLE_ARN = local.scheduler_role_arn
      # composed from its parts, because a function cannot refer to itself
      JOBSWEEP_FUNCTION_ARN = local.function_arn
      JOBSWEEP_DLQ_ARN      = aws_sqs_queue.undelivered.arn
      # without it, V8 peaks at twice the memory; see docs/figures.md
      NODE_OPTIONS = "--max-semi-space-size=1"
    })
  }

  # Without the log group, the first invocation would create one without a retention time. Without the policy, the first
  # invocation could not write its log.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.function]
}

# A failed sweep is not retried. The next scheduled sweep, or a person, closes the remaining jobs.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  qualifier                    = "$LATEST"
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = var.maximum_event_age

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed.arn
    }

    dynamic "on_success" {
      for_each = var.success_destination_arn[*]

      content {
        destination = on_success.value
      }
    }
  }
}
