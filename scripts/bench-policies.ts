import { cpus } from "node:os";

import { runPolicies } from "../offline/policies";
import { type Registration, UNKNOWN } from "../offline/registration";
import { policies } from "../policy/policies";

const SIZES = [200, 2_000, 20_000];
/** Ten times the resources may take this many times as long. */
const MOST_GROWTH = 12;

/**
 * A stack of the given size in its preview: groups of five resources, each a security group, a rule
 * and a database that carries the group, a log group and a role.
 */
function stackOf(size: number): Registration[] {
  return Array.from({ length: size / 5 }, (_, i) => unit(i)).flat();
}

function unit(i: number): Registration[] {
  const group = registration("aws:ec2/securityGroup:SecurityGroup", `group-${i}`, {
    description: "Of one database.",
  });
  const links = { securityGroupId: [group.urn] };
  return [
    group,
    registration(
      "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
      `rule-${i}`,
      {
        securityGroupId: UNKNOWN,
        ipProtocol: "tcp",
        fromPort: 3306,
        toPort: 3306,
        cidrIpv4: "10.0.0.0/16",
      },
      links,
    ),
    registration(
      "aws:rds/cluster:Cluster",
      `database-${i}`,
      { engine: "aurora", storageEncrypted: true, vpcSecurityGroupIds: [UNKNOWN], kmsKeyId: "key" },
      { vpcSecurityGroupIds: [group.urn] },
    ),
    registration("aws:cloudwatch/logGroup:LogGroup", `log-${i}`, {
      retentionInDays: 30,
      kmsKeyId: "key",
    }),
    registration("aws:iam/role:Role", `role-${i}`, { assumeRolePolicy: UNKNOWN }),
  ];
}

function registration(
  type: string,
  name: string,
  inputs: Record<string, unknown>,
  links: Record<string, string[]> = {},
): Registration {
  const computed = ["arn", "id", "ingress", "cidrIpv6", "prefixListId", "region", "tagsAll"];
  return {
    urn: `urn:pulumi:bench::policies::${type}::${name}`,
    type,
    name,
    custom: true,
    remote: false,
    inputs,
    outputs: { ...Object.fromEntries(computed.map((key) => [key, UNKNOWN])), ...inputs },
    secrets: [],
    dependencies: Object.values(links).flat(),
    propertyDependencies: links,
    protect: false,
    ignoreChanges: [],
    replaceOnChanges: [],
    retainOnDelete: false,
  };
}

async function main(): Promise<boolean> {
  console.log(`${policies.length} policies, Node ${process.version}, ${cpus()[0]?.model}`);
  // The first run compiles; it is not measured.
  await runPolicies(policies, stackOf(1_000));

  console.log("resources   CPU ms   µs per resource");
  const times: number[] = [];
  for (const size of SIZES) {
    const resources = stackOf(size);
    // The quickest of three, since the others were disturbed; a long run evens that out by itself.
    const repeats = size > 10_000 ? 1 : 3;
    const runs = [];
    for (let run = 0; run < repeats; run += 1) runs.push(await cpuTime(resources));
    const time = Math.min(...runs);
    times.push(time);
    const columns = [
      size.toLocaleString("en").padStart(9),
      time.toFixed(0).padStart(8),
      ((time / size) * 1_000).toFixed(0).padStart(17),
    ];
    console.log(columns.join(" "));
  }

  const growth = times.slice(1).map((time, i) => time / times[i]!);
  const worst = Math.max(...growth);
  const holds = worst <= MOST_GROWTH;
  console.log(
    `Ten times the resources took at most ${worst.toFixed(1)} times as long (limit ${MOST_GROWTH}): ` +
      (holds ? "ok" : "TOO SLOW"),
  );
  return holds;
}

/** CPU time in milliseconds, which a busy machine does not stretch as it does wall time. */
async function cpuTime(resources: Registration[]): Promise<number> {
  const start = process.cpuUsage();
  const { verdicts } = await runPolicies(policies, resources);
  const { user, system } = process.cpuUsage(start);
  if (verdicts.length > 0) throw new Error(`the stack is not clean: ${verdicts[0]?.message}`);
  return (user + system) / 1_000;
}

main().then(
  (holds) => process.exit(holds ? 0 : 1),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
