import { internalLoadBalancer } from "../../policy/rules/internal-load-balancer";
import { later, resource } from "./stacks";
import { type Row, table } from "./table";

const rows = ["lb", "alb", "elb"].flatMap((module): Row[] => {
  const balancer = resource(`aws:${module}/loadBalancer:LoadBalancer`);
  return [
    { name: `${module} internal`, stack: [balancer("lb", { internal: true })] },
    { name: `${module} public`, stack: [balancer("lb", { internal: false })], fail: ["lb"] },
    { name: `${module} left out`, stack: [balancer("lb")], fail: ["lb"] },
    {
      name: `${module} not known yet`,
      stack: [balancer("lb", { internal: later(true, "other") })],
      fail: ["lb"],
      modes: ["preview"],
    },
  ];
});

describe("internal-load-balancer", () => table([internalLoadBalancer], rows));
