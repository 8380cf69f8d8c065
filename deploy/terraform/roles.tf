data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  partition    = data.aws_partition.current.partition
  region       = data.aws_region.current.region
  scope        = "${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}"
  function_arn = "arn:${local.partition}:lambda:${local.scope}:function:${local.function_name}"

  # Secrets in Secrets Manager and, after `ssm:`, parameters in SSM.
  secret_names = concat(var.secret[*], var.reports_secret[*], var.clusters_secret[*])

  # Secrets Manager appends a hyphen and six random characters to each secret's ARN.
  secret_arns = concat(
    [for name in local.secret_names : "arn:${local.partition}:secretsmanager:${local.scope}:secret:${name}-??????" if !startswith(name, "ssm:")],
    [for prefix in local.secret_prefix[*] : "arn:${local.partition}:secretsmanager:${local.scope}:secret:${prefix}*" if !startswith(prefix, "ssm:")],
  )
  parameter_arns = [
    for name in concat(local.secret_names, [for prefix in local.secret_prefix[*] : "${prefix}*"]) :
    "arn:${local.partition}:ssm:${local.scope}:parameter/${trimprefix(trimprefix(name, "ssm:"), "/")}" if startswith(name, "ssm:")
  ]
  secret_services = concat(
    [for service in ["secretsmanager"] : service if length(local.secret_arns) > 0],
    [for service in ["ssm"] : service if length(local.parameter_arns) > 0],
  )

  interface_actions = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
  ]

  scheduler_role_arn = var.scheduler_role_arn == null ? aws_iam_role.scheduler["this"].arn : var.scheduler_role_arn
  function_role_arn  = var.function_role_arn == null ? aws_iam_role.function["this"].arn : var.function_role_arn

  sending_action = {
    sqs    = "sqs:SendMessage"
    sns    = "sns:Publish"
    events = "events:PutEvents"
    lambda = "lambda:InvokeFunction"
  }
}

# The role with which the group's schedules invoke the function. The trust policy names the group, not single schedules,
# because the service cannot assume the role if the condition is narrower.
data "aws_iam_policy_document" "scheduler_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [aws_scheduler_schedule_group.this.arn]
    }
  }
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    actions   = ["lambda:InvokeFunction"]
    resources = [local.function_arn]
  }

  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.undelivered.arn]
  }

  # The Scheduler uses the role with which it invokes the function to decrypt a schedule's payload.
  dynamic "statement" {
    for_each = local.schedule_keys

    content {
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:aws:scheduler:schedule:arn"
        values   = ["arn:${local.partition}:scheduler:${local.scope}:schedule/${local.schedule_group_name}/*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["sqs.${local.region}.amazonaws.com*"]
      }
    }
  }
}

resource "aws_iam_role" "scheduler" {
  for_each = var.scheduler_role_arn == null ? toset(["this"]) : toset([])

  # roles have no region, so their names must distinguish deployments in two regions
  name               = "${var.name}-scheduler-${local.region}"
  assume_role_policy = data.aws_iam_policy_document.scheduler_trust.json

  path                 = var.role_path
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "scheduler" {
  for_each = var.scheduler_role_arn == null ? toset(["this"]) : toset([])

  name   = "invoke"
  role   = aws_iam_role.scheduler["this"].name
  policy = data.aws_iam_policy_document.scheduler.json
}

data "aws_iam_policy_document" "function_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

# Access to the function's log, follow-ups and secrets, and to Lambda's destinations for events.
data "aws_iam_policy_document" "function" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:${local.partition}:logs:${local.scope}:log-group:/aws/lambda/${local.function_name}:*"]
  }

  statement {
    actions   = ["scheduler:CreateSchedule", "scheduler:GetSchedule"]
    resources = ["arn:${local.partition}:scheduler:${local.scope}:schedule/${local.schedule_group_name}/followup.*"]
  }

  statement {
    # does not support resource-level permissions
    actions   = ["scheduler:ListSchedules"]
    resources = ["*"]
  }

  statement {
    actions   = ["iam:PassRole"]
    resources = [local.scheduler_role_arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["scheduler.amazonaws.com"]
    }
  }

  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failed.arn]
  }

  dynamic "statement" {
    for_each = length(local.secret_arns) > 0 ? [local.secret_arns] : []

    content {
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(local.parameter_arns) > 0 ? [local.parameter_arns] : []

    content {
      actions   = ["ssm:GetParameter"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(local.secret_services) > 0 ? var.secret_key_arn[*] : []

    content {
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = [for service in local.secret_services : "${service}.${local.region}.amazonaws.com*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.success_destination_arn[*]

    content {
      actions   = [local.sending_action[split(":", statement.value)[2]]]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = toset(local.has_roll_call ? ["all"] : [])

    content {
      # does not support resource-level permissions
      actions   = ["cloudwatch:GetMetricData"]
      resources = ["*"]
    }
  }

  # Lambda attaches the function to the VPC with this role.
  dynamic "statement" {
    for_each = local.in_vpc ? [true] : []

    content {
      actions   = local.interface_actions
      resources = ["*"]
    }
  }

  # Only calls by the function's own code have this context key, so the code cannot use the permissions.
  dynamic "statement" {
    for_each = local.in_vpc ? [true] : []

    content {
      effect    = "Deny"
      actions   = local.interface_actions
      resources = ["*"]

      condition {
        test     = "ArnEquals"
        variable = "lambda:SourceFunctionArn"
        values   = [local.function_arn]
      }
    }
  }

  dynamic "statement" {
    for_each = var.notify_topic_arn[*]

    content {
      actions   = ["sns:Publish"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.notify_topic_arn == null ? [] : var.notify_topic_key_arn[*]

    content {
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["sns.${split(":", var.notify_topic_arn)[3]}.amazonaws.com*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.notify_event_bus_arn[*]

    content {
      actions   = ["events:PutEvents"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "events:source"
        values   = ["jobsweep"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:aws:lambda:FunctionArn"
        values   = [local.function_arn]
      }
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      actions   = ["kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["scheduler.${local.region}.amazonaws.com*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["sqs.${local.region}.amazonaws.com*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.tracing == "Active" ? ["*"] : []

    content {
      actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role" "function" {
  for_each = var.function_role_arn == null ? toset(["this"]) : toset([])

  name               = "${var.name}-function-${local.region}"
  assume_role_policy = data.aws_iam_policy_document.function_trust.json

  path                 = var.role_path
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "function" {
  for_each = var.function_role_arn == null ? toset(["this"]) : toset([])

  name   = "sweep"
  role   = aws_iam_role.function["this"].name
  policy = data.aws_iam_policy_document.function.json
}
