import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Workbench, WorkbenchArgs } from "../../components/workbench";
import { PrivateLink } from "../../components/private-link";
import { startupScript } from "../../components/workbench-startup";
import { checkPolicies } from "../../offline/policies";
import { policies } from "../../policy/policies";
import { assertWellFormed, build, Built } from "../support/build";

const KEY = "arn:aws:kms:us-east-1:123456789012:key/1";
const MODEL = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/diabetes";
const SAGEMAKER = "arn:aws:sagemaker:us-east-1:123456789012";
const LOG_GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/studio";

const network = {
  vpcId: pulumi.output("vpc-1"),
  privateSubnetIds: pulumi.output(["subnet-1", "subnet-2"]),
  endpointSecurityGroupId: pulumi.output("sg-endpoints"),
  s3PrefixListId: pulumi.output("pl-s3"),
};
const args = (changes: Partial<WorkbenchArgs> = {}): WorkbenchArgs => ({
  userNames: ["ana", "ben-2"],
  idleMinutes: 120,
  environment: { MLFLOW_TRACKING_URI: pulumi.output("http://mlflow.test.internal") },
  network,
  trackingServer: { securityGroupId: "sg-tracking", port: 80 },
  endpointArns: [MODEL],
  region: "us-east-1",
  accountId: "123456789012",
  kmsKeyArn: KEY,
  protect: true,
  forceDestroy: false,
  ...changes,
});
const workbench = (changes: Partial<WorkbenchArgs> = {}) =>
  build(() => new Workbench("bench", args(changes)));

interface Statement {
  Sid: string;
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Condition?: unknown;
}
const statements = (built: Built, role: string) =>
  built.json(`${role}-policy`, "policy").Statement as Statement[];
const statement = (built: Built, role: string, sid: string) =>
  statements(built, role).find(({ Sid }) => Sid === sid)!;
/** Every connection that the rules of one kind allow: group, other side, ports. */
const rules = (built: Built, type: "SecurityGroupIngressRule" | "SecurityGroupEgressRule") =>
  built
    .ofType(type)
    .map(({ inputs }) =>
      [
        inputs.securityGroupId,
        inputs.referencedSecurityGroupId ?? inputs.prefixListId ?? inputs.cidrIpv4,
        `${String(inputs.ipProtocol)} ${String(inputs.fromPort)}-${String(inputs.toPort)}`,
      ].join(" "),
    )
    .sort();

describe("Workbench", () => {
  it("is well formed", () =>
    assertWellFormed("mlops:index:Workbench", (name) => new Workbench(name, args())));

  it("is a domain on the private subnets, without a way to the internet of its own", async () => {
    const domain = (await workbench()).inputs("bench-domain");
    assert.equal(domain.authMode, "IAM");
    assert.equal(domain.appNetworkAccessType, "VpcOnly");
    assert.equal(domain.vpcId, "vpc-1");
    assert.deepEqual(domain.subnetIds, ["subnet-1", "subnet-2"]);
    assert.equal(domain.kmsKeyId, KEY);
    const { studioWebPortal, defaultLandingUri, securityGroups } = domain.defaultUserSettings;
    assert.deepEqual([studioWebPortal, defaultLandingUri], ["ENABLED", "studio::"]);
    assert.deepEqual(securityGroups, ["bench-sg-id"]);
  });

  it("shuts JupyterLab down when it is idle", async () => {
    const domain = (await workbench({ idleMinutes: 90 })).inputs("bench-domain");
    assert.deepEqual(
      domain.defaultUserSettings.jupyterLabAppSettings.appLifecycleManagement.idleSettings,
      { lifecycleManagement: "ENABLED", idleTimeoutInMinutes: 90 },
    );
  });

  it("keeps the home folders, and the domain, unless told otherwise", async () => {
    const kept = await workbench();
    assert.deepEqual(kept.inputs("bench-domain").retentionPolicy, { homeEfsFileSystem: "Retain" });
    assert.equal(kept.get("bench-domain").protect, true);
    const gone = await workbench({ protect: false, forceDestroy: true });
    assert.deepEqual(gone.inputs("bench-domain").retentionPolicy, { homeEfsFileSystem: "Delete" });
    assert.equal(gone.get("bench-domain").protect, false);
  });

  it("runs the startup script in every space, by a name that changes with it", async () => {
    const script = async (url: string) => {
      const built = await workbench({ environment: { MLFLOW_TRACKING_URI: url } });
      const config = built.inputs("bench-startup");
      const { builtInLifecycleConfigArn } =
        built.inputs("bench-domain").defaultUserSettings.jupyterLabAppSettings;
      assert.match(builtInLifecycleConfigArn, /bench-startup$/);
      assert.equal(config.studioLifecycleConfigAppType, "JupyterLab");
      assert.equal(
        Buffer.from(String(config.studioLifecycleConfigContent), "base64").toString(),
        startupScript({ MLFLOW_TRACKING_URI: url }),
      );
      assert.match(config.studioLifecycleConfigName, /^bench-[0-9a-f]{8}$/);
      return String(config.studioLifecycleConfigName);
    };
    const first = await script("http://one.internal");
    assert.equal(await script("http://one.internal"), first);
    assert.notEqual(await script("http://two.internal"), first);
  });

  it("has a profile for each user, with a role and a group of the user's own", async () => {
    const built = await workbench();
    assert.deepEqual(
      built.ofType("UserProfile").map(({ inputs }) => [inputs.userProfileName, inputs.domainId]),
      [
        ["ana", "bench-domain-id"],
        ["ben-2", "bench-domain-id"],
      ],
    );
    const { executionRole, securityGroups } = built.inputs("bench-user-ana-profile").userSettings;
    assert.match(executionRole, /bench-user-ana-role$/);
    assert.deepEqual(securityGroups, ["bench-sg-id", "bench-user-ana-sg-id"]);
  });

  it("lets a user's apps talk to one another only: nobody else may connect", async () => {
    assert.deepEqual(rules(await workbench(), "SecurityGroupIngressRule"), [
      "bench-user-ana-sg-id bench-user-ana-sg-id tcp 8192-65535",
      "bench-user-ben-2-sg-id bench-user-ben-2-sg-id tcp 8192-65535",
    ]);
  });

  it("lets the notebooks out to the tracking server, S3 and the endpoints", async () => {
    assert.deepEqual(rules(await workbench(), "SecurityGroupEgressRule"), [
      "bench-sg-id pl-s3 tcp 443-443",
      "bench-sg-id sg-endpoints tcp 443-443",
      "bench-sg-id sg-tracking tcp 80-80",
      "bench-user-ana-sg-id bench-user-ana-sg-id tcp 8192-65535",
      "bench-user-ben-2-sg-id bench-user-ben-2-sg-id tcp 8192-65535",
    ]);
  });

  it("lets them out to AWS by the NAT gateway where there is one", async () => {
    const withNat = { ...network, endpointSecurityGroupId: undefined };
    const egress = rules(await workbench({ network: withNat }), "SecurityGroupEgressRule");
    assert.deepEqual(
      egress.filter((rule) => rule.startsWith("bench-sg-id")),
      ["bench-sg-id 0.0.0.0/0 tcp 443-443", "bench-sg-id sg-tracking tcp 80-80"],
    );
  });

  describe("a user's role", () => {
    const ROLE = "bench-user-ana";
    const PROFILE = `${SAGEMAKER}:user-profile/bench-domain-id/ana`;
    const SPACES = `${SAGEMAKER}:space/bench-domain-id/*`;
    const APPS = `${SAGEMAKER}:app/bench-domain-id/*`;

    it("is SageMaker's to take, for this account", async () => {
      const built = await workbench();
      for (const role of [`${ROLE}-role`, "bench-visitor-role"]) {
        assert.deepEqual(built.json(role, "assumeRolePolicy").Statement, [
          {
            Effect: "Allow",
            Principal: { Service: "sagemaker.amazonaws.com" },
            Action: "sts:AssumeRole",
            Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } },
          },
        ]);
      }
    });

    it("holds these statements and no others", async () => {
      assert.deepEqual(
        statements(await workbench(), ROLE).map(({ Sid, Effect }) => `${Effect} ${Sid}`),
        [
          "Allow ListStudio",
          "Allow OpenStudio",
          "Allow SeeThisDomain",
          "Allow RunOwnSpaces",
          "Allow TagWhatIsCreated",
          "Allow EncryptVolumes",
          "Allow WriteLogsOfThisDomain",
          "Allow MakeTheLogGroup",
          "Allow CallModels",
        ],
      );
    });

    it("names every action, and every resource but those of lists", async () => {
      for (const { Sid, Action, Resource } of statements(await workbench(), ROLE)) {
        for (const action of [Action].flat()) assert.doesNotMatch(action, /\*/);
        const everything = [Resource].flat().includes("*");
        assert.equal(everything, Sid === "ListStudio", Sid);
      }
      const { Action } = statement(await workbench(), ROLE, "ListStudio");
      assert.ok([Action].flat().every((action) => action.startsWith("sagemaker:List")));
    });

    it("opens Studio as this user only", async () => {
      const { Action, Resource } = statement(await workbench(), ROLE, "OpenStudio");
      assert.deepEqual(Action, [
        "sagemaker:CreatePresignedDomainUrl",
        "sagemaker:DescribeUserProfile",
      ]);
      assert.equal(Resource, PROFILE);
    });

    it("runs private spaces of this user in this domain, and no others", async () => {
      const built = await workbench();
      const spaces = statement(built, ROLE, "RunOwnSpaces");
      assert.deepEqual(spaces.Resource, [SPACES, APPS]);
      assert.deepEqual(spaces.Condition, {
        ArnLike: { "sagemaker:OwnerUserProfileArn": PROFILE },
        StringEquals: { "sagemaker:SpaceSharingType": "Private" },
      });
      assert.deepEqual(spaces.Action, [
        "sagemaker:CreateApp",
        "sagemaker:CreateSpace",
        "sagemaker:DeleteApp",
        "sagemaker:DeleteSpace",
        "sagemaker:UpdateSpace",
      ]);
      const tags = statement(built, ROLE, "TagWhatIsCreated");
      assert.equal(tags.Action, "sagemaker:AddTags");
      assert.deepEqual(tags.Resource, [SPACES, APPS]);
      assert.deepEqual(tags.Condition, { Null: { "sagemaker:TaggingAction": "false" } });
      assert.deepEqual(statement(built, ROLE, "SeeThisDomain").Resource, [
        `${SAGEMAKER}:domain/bench-domain-id`,
        SPACES,
        APPS,
      ]);
    });

    it("encrypts volumes with the domain's key", async () => {
      const { Action, Resource } = statement(await workbench(), ROLE, "EncryptVolumes");
      assert.equal(Resource, KEY);
      assert.deepEqual(Action, [
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
      ]);
    });

    it("writes logs of this domain only, to the group that all domains share", async () => {
      const built = await workbench();
      const write = statement(built, ROLE, "WriteLogsOfThisDomain");
      assert.equal(write.Resource, `${LOG_GROUP}:log-stream:bench-domain-id/*`);
      assert.deepEqual(write.Action, ["logs:CreateLogStream", "logs:PutLogEvents"]);
      const make = statement(built, ROLE, "MakeTheLogGroup");
      assert.deepEqual(make.Resource, [LOG_GROUP, `${LOG_GROUP}:*`]);
      assert.deepEqual(make.Action, ["logs:CreateLogGroup", "logs:DescribeLogStreams"]);
      assert.deepEqual(built.ofType("LogGroup"), []);
    });

    it("calls the given models, and none where none is given", async () => {
      const { Action, Resource } = statement(await workbench(), ROLE, "CallModels");
      assert.equal(Action, "sagemaker:InvokeEndpoint");
      assert.deepEqual(Resource, [MODEL]);
      const without = await workbench({ endpointArns: [] });
      assert.equal(statement(without, ROLE, "CallModels"), undefined);
    });

    it("is not what a profile made by hand gets: that may look at names only", async () => {
      const built = await workbench();
      const { executionRole } = built.inputs("bench-domain").defaultUserSettings;
      assert.match(executionRole, /bench-visitor-role$/);
      assert.deepEqual(
        statements(built, "bench-visitor").map(({ Sid }) => Sid),
        ["ListStudio"],
      );
    });
  });

  it("tells its domain once the users can sign in", async () => {
    let read!: (id: string) => void;
    const id = new Promise<string>((resolve) => (read = resolve));
    await build(() => new Workbench("bench", args()).domainId.apply(read));
    assert.equal(await id, "bench-domain-id");
  });

  const refusals: [string, Partial<WorkbenchArgs>, RegExp][] = [
    ["no users", { userNames: [] }, /^Error: userNames: at least one/],
    ["a user twice", { userNames: ["ana", "ben", "ana"] }, /^Error: userNames: "ana" given twice/],
    ["capitals", { userNames: ["Ana"] }, /^Error: userNames: "Ana" given, use/],
    ["an address", { userNames: ["ana@example.com"] }, /userNames: "ana@example.com" given/],
    ["a hyphen at the end", { userNames: ["ana-"] }, /userNames: "ana-" given/],
    ["an empty name", { userNames: [""] }, /userNames: "" given/],
    ["a long name", { userNames: ["a".repeat(25)] }, /userNames: "a+" given/],
    ["less than an hour", { idleMinutes: 59 }, /^Error: idleMinutes: 59 given, use 60 to 525600/],
    ["more than a year", { idleMinutes: 525_601 }, /idleMinutes: 525601 given/],
    ["parts of a minute", { idleMinutes: 90.5 }, /idleMinutes: 90.5 given/],
    ["a variable of no name", { environment: { "A B": "1" } }, /^Error: environment: "A B"/],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, () => assert.rejects(workbench(changes), message));
  }
});

describe("the workbench and the private link together", () => {
  const CONFIG = {
    "production-safeguards": { enabled: true },
    "required-tags": { tags: ["Owner"] },
  };
  for (const computed of ["unknown", "made-up"] as const) {
    it(`pass every policy, mandatory and advisory, with outputs ${computed}`, async () => {
      const { resources } = await build(() => {
        const provider = new aws.Provider("aws", { defaultTags: { tags: { Owner: "test" } } });
        const opts = { providers: { aws: provider } };
        const link = new PrivateLink(
          "link",
          {
            hostname: "mlflow.test.internal",
            accountId: "123456789012",
            serverNetwork: network,
            loadBalancer: {
              arn: "arn:alb",
              targetGroupArn: "arn:tasks",
              securityGroupId: "sg-alb",
            },
            healthCheckPath: "/health",
            clientNetwork: network,
            clientCidrBlock: "10.1.0.0/16",
            endpointZoneCount: 2,
            protect: true,
          },
          opts,
        );
        const environment = { MLFLOW_TRACKING_URI: link.url };
        new Workbench("bench", args({ environment, trackingServer: link }), opts);
      }, computed);
      assert.deepEqual(await checkPolicies(policies, resources, CONFIG), []);
    });
  }
});
