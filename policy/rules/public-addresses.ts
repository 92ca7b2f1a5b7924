import type { ResourceValidationPolicy } from "@pulumi/policy";

import { resourcesOf } from "../lib/policy";
import { at, isUnset, list, UNKNOWN, type Value, type Values } from "../lib/values";

/** Per type, what gives its instances a public address or route; nothing when they get none. */
const CHECKS: Readonly<Record<string, (properties: Values) => string | undefined>> = {
  "aws:ecs/service:Service": offAt("networkConfiguration.assignPublicIp"),
  "aws:ecs/taskSet:TaskSet": offAt("networkConfiguration.assignPublicIp"),
  "aws:ec2/instance:Instance": offAt("associatePublicIpAddress"),
  "aws:ec2/launchTemplate:LaunchTemplate": (properties) =>
    list(properties["networkInterfaces"]).some((networkInterface) =>
      isOn(at({ networkInterface }, "networkInterface.associatePublicIpAddress")),
    )
      ? "associatePublicIpAddress"
      : undefined,
  // The default is direct internet access.
  "aws:sagemaker/notebookInstance:NotebookInstance": ({ directInternetAccess }) =>
    directInternetAccess === "Disabled" ? undefined : "directInternetAccess",
  "aws:sagemaker/domain:Domain": ({ appNetworkAccessType }) =>
    appNetworkAccessType === "VpcOnly" ? undefined : "appNetworkAccessType",
};

export const publicAddresses: ResourceValidationPolicy = {
  name: "public-addresses",
  description: "A task, instance or notebook must not have a public address.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["network", "ecs", "sagemaker"],
  remediationSteps:
    "Place it in private subnets, reach it through a load balancer or API, and give it VPC endpoints or a NAT.",
  url: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-network.html",

  validateResource: resourcesOf(Object.keys(CHECKS), (properties, report, args) => {
    const property = CHECKS[args.type]!(properties);
    if (property) report(`"${args.name}" is on the internet by ${property}. Keep it in the VPC.`);
  }),
};

function offAt(path: string) {
  return (properties: Values) => (isOn(at(properties, path)) ? path : undefined);
}

/** A value that is not known yet is no proof that it is off. */
function isOn(value: Value): boolean {
  return value === UNKNOWN || (!isUnset(value) && value !== false);
}
