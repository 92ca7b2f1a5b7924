import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface EndpointAlarmsArgs {
  readonly endpointName: string;
  readonly variantName: string;
  /** Share of the requests answered with a 5xx status, above which the alarm goes off. */
  readonly errorPercent: number;
  /** Milliseconds that the slowest 5 % of the answers take, above which the alarm goes off. */
  readonly latencyMs: number;
}

/**
 * CloudWatch alarms on what an endpoint's callers feel: errors and latency. Two bad minutes of
 * three set one off; no requests are no news.
 *
 * https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
 */
export class EndpointAlarms extends pulumi.ComponentResource {
  public readonly names: pulumi.Output<string>[];
  public readonly arns: pulumi.Output<string>[];

  constructor(name: string, args: EndpointAlarmsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:EndpointAlarms", name, {}, opts);

    const common = {
      namespace: "AWS/SageMaker",
      dimensions: { EndpointName: args.endpointName, VariantName: args.variantName },
      comparisonOperator: "GreaterThanThreshold",
      period: 60,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      treatMissingData: "notBreaching",
    };
    const alarms = [
      new aws.cloudwatch.MetricAlarm(
        `${name}-errors`,
        {
          ...common,
          alarmDescription: `${args.endpointName}: more than ${args.errorPercent} % of the requests fail`,
          // Each request counts as 0 or 1, so that the average is the share of failures.
          metricName: "Invocation5XXErrors",
          statistic: "Average",
          threshold: args.errorPercent / 100,
        },
        { parent: this },
      ),
      new aws.cloudwatch.MetricAlarm(
        `${name}-latency`,
        {
          ...common,
          alarmDescription: `${args.endpointName}: 5 % of the answers take more than ${args.latencyMs} ms`,
          metricName: "ModelLatency",
          extendedStatistic: "p95",
          // In microseconds.
          threshold: args.latencyMs * 1000,
        },
        { parent: this },
      ),
    ];

    this.names = alarms.map((alarm) => alarm.name);
    this.arns = alarms.map((alarm) => alarm.arn);
    this.registerOutputs({ names: this.names, arns: this.arns });
  }
}
