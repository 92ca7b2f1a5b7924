import type { ResourceValidationPolicy } from "@pulumi/policy";

import { resourcesOf } from "../lib/policy";

export const internalLoadBalancer: ResourceValidationPolicy = {
  name: "internal-load-balancer",
  description: "A load balancer must be internal.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["network", "load-balancer"],
  remediationSteps:
    "Set internal to true and let clients in through an API with an authorizer. A team that serves the " +
    "public on purpose sets this policy to advisory in the pack's configuration.",
  url: "https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html#load-balancer-scheme",

  // Left out, internal means internet-facing; not known yet, it is no proof.
  validateResource: resourcesOf(
    [
      "aws:lb/loadBalancer:LoadBalancer",
      "aws:alb/loadBalancer:LoadBalancer",
      "aws:elb/loadBalancer:LoadBalancer",
    ],
    ({ internal }, report, args) => {
      if (internal !== true) report(`"${args.name}" faces the internet. Set internal to true.`);
    },
  ),
};
