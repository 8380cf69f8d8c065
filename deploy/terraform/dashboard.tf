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
    local.has_roll_call ? [{
      title      = "Roll call: clusters expected, and those that have not reported"
      namespace  = "jobsweep"
      dimensions = ["service", "jobsweep", "function", local.function_name]
      metrics    = [for name in ["expectedClusters", "missingClusters"] : { name = name, stat = "Maximum" }]
    }] : [],
    flatten([
      for cluster in(local.is_fleet ? [] : local.clusters) : [
        for widget in [
          { title = "jobs", stat = "Maximum", names = ["open", "idle", "closed", "forceClosed", "kept"] },
          { title = "what was left", stat = "Sum", names = ["closing", "errors", "unknown", "notAttempted", "refused", "partial"] },
          { title = "model memory freed and time taken", stat = "Sum", names = ["freedBytes", "durationMs"] },
          ] : {
          title      = "${cluster}: ${widget.title}"
          namespace  = "jobsweep"
          dimensions = ["service", "jobsweep", "cluster", cluster]
          metrics    = [for name in widget.names : { name = name, stat = widget.stat }]
        }
      ]
    ]),
  )

  # Queries over all clusters, so that the number of widgets does not depend on the number of clusters.
  sums = [
    for widget in [
      { title = "All clusters: jobs", names = ["open", "idle", "closed", "forceClosed", "kept"] },
      { title = "All clusters: what was left", names = ["closing", "errors", "unknown", "notAttempted", "refused", "partial"] },
      { title = "All clusters: model memory freed", names = ["freedBytes"] },
      ] : {
      title   = widget.title
      queries = [for name in widget.names : { label = name, select = "SUM(${name})", rest = "" }]
    }
  ]
  reports = [{
    title   = "Sweeps that reported"
    queries = [{ label = "sweeps", select = "COUNT(durationMs)", rest = "" }]
  }]
  worst = [
    for widget in [
      { title = "Clusters that need attention", name = "needsAttention" },
      { title = "Clusters with most jobs left closing", name = "closing" },
      { title = "Clusters with most open jobs", name = "open" },
      { title = "Longest sweeps", name = "durationMs" },
      ] : {
      title   = widget.title
      queries = [{ label = "", select = "MAX(${widget.name})", rest = " GROUP BY cluster ORDER BY MAX() DESC LIMIT 20" }]
    }
  ]
  query_widgets = local.is_fleet ? concat(local.sums, local.reports, local.worst) : []

  # The metrics of each widget, in the form of the dashboard's source.
  widget_sources = concat(
    [
      for widget in local.widgets : {
        title = widget.title
        metrics = [
          for metric in widget.metrics : concat(
            [widget.namespace, metric.name],
            widget.dimensions,
            [{ label = metric.name, stat = metric.stat }],
          )
        ]
      }
    ],
    [
      for widget in local.query_widgets : {
        title = widget.title
        metrics = [
          for index, query in widget.queries : [merge(
            { expression = "SELECT ${query.select} ${local.across_clusters}${query.rest}", id = "q${index}" },
            # without a label, a series shows its cluster's name
            { for label in compact([query.label]) : "label" => label },
          )]
        ]
      }
    ],
  )

  alarm_arns = concat(
    [
      aws_cloudwatch_metric_alarm.sweep_failed.arn,
      aws_cloudwatch_metric_alarm.undelivered.arn,
      aws_cloudwatch_metric_alarm.failed_events.arn,
      aws_cloudwatch_metric_alarm.notify_failed.arn,
      aws_cloudwatch_metric_alarm.destination_failed.arn,
    ],
    [for key in local.is_fleet ? ["all"] : [] : aws_cloudwatch_metric_alarm.clusters_need_attention[key].arn],
    [for key in local.has_roll_call ? ["all"] : [] : aws_cloudwatch_metric_alarm.roll_call[key].arn],
    flatten([
      for cluster in local.clusters : [
        aws_cloudwatch_composite_alarm.sweep_overdue[cluster].arn,
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
        for index, widget in local.widget_sources : {
          type   = "metric"
          x      = index % 3 * local.widget_width
          y      = 3 + floor(index / 3) * local.widget_height
          width  = local.widget_width
          height = local.widget_height
          properties = {
            title   = widget.title
            region  = local.region
            period  = 3600
            metrics = widget.metrics
          }
        }
      ],
    )
  })
}
