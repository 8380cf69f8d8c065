resource "aws_scheduler_schedule_group" "this" {
  name = local.schedule_group_name
  tags = var.tags
}

resource "aws_scheduler_schedule" "this" {
  for_each = { for name, schedule in var.schedules : name => schedule if var.schedules_by == "stack" }

  # the prefix keeps `jobsweep schedules apply --prune` from deleting the schedule
  name       = "stack.${each.key}"
  group_name = aws_scheduler_schedule_group.this.name

  description                  = each.value.description
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone
  start_date                   = each.value.start
  end_date                     = each.value.end
  state                        = each.value.state == "paused" ? "DISABLED" : "ENABLED"
  kms_key_arn                  = each.value.kms_key_arn == null ? var.kms_key_arn : each.value.kms_key_arn

  flexible_time_window {
    mode                      = each.value.window_minutes == null ? "OFF" : "FLEXIBLE"
    maximum_window_in_minutes = each.value.window_minutes
  }

  target {
    arn      = aws_lambda_function.this.arn
    role_arn = local.scheduler_role_arn
    input    = local.inputs[each.key]

    retry_policy {
      maximum_event_age_in_seconds = each.value.retry.max_age_seconds
      maximum_retry_attempts       = each.value.retry.attempts
    }

    dead_letter_config {
      arn = coalesce(each.value.dead_letter_arn, aws_sqs_queue.undelivered.arn)
    }
  }
}
