import { publicAddresses } from "../../policy/rules/public-addresses";
import { later, resource } from "./stacks";
import { type Row, table } from "./table";

const cases: [type: string, good: object, bad: object][] = [
  [
    "aws:ecs/service:Service",
    { networkConfiguration: { subnets: ["subnet-1"] } },
    { networkConfiguration: { assignPublicIp: true } },
  ],
  [
    "aws:ecs/taskSet:TaskSet",
    { networkConfiguration: { assignPublicIp: false } },
    { networkConfiguration: { assignPublicIp: true } },
  ],
  ["aws:ec2/instance:Instance", {}, { associatePublicIpAddress: true }],
  [
    "aws:ec2/launchTemplate:LaunchTemplate",
    { networkInterfaces: [{ associatePublicIpAddress: false }] },
    { networkInterfaces: [{}, { associatePublicIpAddress: "true" }] },
  ],
  ["aws:sagemaker/notebookInstance:NotebookInstance", { directInternetAccess: "Disabled" }, {}],
  ["aws:sagemaker/domain:Domain", { appNetworkAccessType: "VpcOnly" }, {}],
];

const rows: Row[] = [
  ...cases.flatMap(([type, good, bad]): Row[] => [
    { name: `${type} inside`, stack: [resource(type)("it", { ...good })] },
    { name: `${type} outside`, stack: [resource(type)("it", { ...bad })], fail: ["it"] },
  ]),
  {
    name: "not known yet",
    stack: [
      resource("aws:ecs/service:Service")("it", {
        networkConfiguration: { assignPublicIp: later(false, "other") },
      }),
    ],
    fail: ["it"],
    modes: ["preview"],
  },
];

describe("public-addresses", () => table([publicAddresses], rows));
