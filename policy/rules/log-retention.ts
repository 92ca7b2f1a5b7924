import type { ResourceValidationPolicy } from "@pulumi/policy";

import { resourcesOf } from "../lib/policy";
import { isUnset } from "../lib/values";

export const logRetention: ResourceValidationPolicy = {
  name: "log-retention",
  description: "A log group should not keep its events for ever.",
  enforcementLevel: "advisory",
  severity: "low",
  tags: ["logs", "cost"],
  remediationSteps: "Set retentionInDays to the days that someone will want to look back.",
  url: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",

  validateResource: resourcesOf(
    ["aws:cloudwatch/logGroup:LogGroup"],
    ({ retentionInDays, logGroupClass }, report, args) => {
      // Groups of class DELIVERY have a fixed retention.
      if (logGroupClass === "DELIVERY") return;
      if (isUnset(retentionInDays) || retentionInDays === 0) {
        report(`"${args.name}" keeps events for ever. Set retentionInDays.`);
      }
    },
  ),
};
