locals {
  widget_width  = 8
  widget_height = 6

  # The widgets below the alarms, three to a row: title, namespace, dimensions, and the metrics with their statistics.
  widgets = concat(
    [{
      title      = "Invocations, errors, throttles"
      namespace  = "AWS/Lambda"
      dimensions = ["FunctionName", local.function_name]
      metrics    = [for name in ["Invocations", "Errors", "Throttles"] : { name = name, stat = "Sum" }]
    }],
    flatten([
      for cluster in local.clusters : [
        for widget in [
          { title = "jobs", stat = "Maximum", names = ["open", "idle", "closed", "forceClosed", "kept"] },
          { title = "what was left", stat = "Sum", names = ["closing", "errors", "unknown", "notAttempted", "refused", "partial"] },
          { title = "memory freed and time taken", stat = "Sum", names = ["freedBytes", "durationMs"] },
          ] : {
          title      = "${cluster}: ${widget.title}"
          namespace  = "jobsweep"
          dimensions = ["service", "jobsweep", "cluster", cluster]
          metrics    = [for name in widget.names : { name = name, stat = widget.stat }]
        }
      ]
    ]),
  )

  alarm_arns = concat(
    [
      aws_cloudwatch_metric_alarm.sweep_failed.arn,
      aws_cloudwatch_metric_alarm.undelivered.arn,
      aws_cloudwatch_metric_alarm.failed_events.arn,
    ],
    flatten([
      for cluster in local.clusters : [
        aws_cloudwatch_metric_alarm.sweep_missing[cluster].arn,
        aws_cloudwatch_metric_alarm.fuse_blew[cluster].arn,
        aws_cloudwatch_metric_alarm.jobs_stuck[cluster].arn,
      ]
    ]),
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type       = "alarm"
        x          = 0
        y          = 0
        width      = 3 * local.widget_width
        height     = 3
        properties = { title = "Alarms", alarms = local.alarm_arns }
      }],
      [
        for index, widget in local.widgets : {
          type   = "metric"
          x      = index % 3 * local.widget_width
          y      = 3 + floor(index / 3) * local.widget_height
          width  = local.widget_width
          height = local.widget_height
          properties = {
            title  = widget.title
            region = local.region
            period = 3600
            metrics = [
              for metric in widget.metrics : concat(
                [widget.namespace, metric.name],
                widget.dimensions,
                [{ label = metric.name, stat = metric.stat }],
              )
            ]
          }
        }
      ],
    )
  })
}
