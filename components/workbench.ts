import { createHash } from "node:crypto";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { allowAws } from "./aws-egress";
import { Placement } from "./network";
import { serviceRole } from "./service-role";
import { userStatements, visitorStatements } from "./workbench-rights";
import { startupScript } from "./workbench-startup";

export interface WorkbenchArgs {
  /** Who gets a profile: lower-case letters, digits and single hyphens, at most 24 characters. */
  readonly userNames: readonly string[];
  /** Minutes without an open kernel or terminal until JupyterLab is shut down, 60 to 525600. */
  readonly idleMinutes: number;
  /** Environment variables of every terminal and Python kernel. No secrets: AWS shows the script. */
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  readonly network: Placement;
  /** The tracking server, where it stands in this network. */
  readonly trackingServer: {
    readonly securityGroupId: pulumi.Input<string>;
    readonly port: number;
  };
  /** SageMaker endpoints that the notebooks may call. */
  readonly endpointArns: readonly pulumi.Input<string>[];
  readonly region: string;
  readonly accountId: pulumi.Input<string>;
  /** KMS key of the home folders and volumes. The users may decrypt with it, and let others do so. */
  readonly kmsKeyArn: pulumi.Input<string>;
  /** Refuse to delete the domain. */
  readonly protect: boolean;
  /** Delete the home folders with the domain, in place of keeping their file system. */
  readonly forceDestroy: boolean;
}

/** Interface endpoints without which Studio does not work in a VPC that has no way to the internet. */
export const WORKBENCH_ENDPOINTS: readonly string[] = [
  "sagemaker.api",
  "sagemaker.runtime",
  "logs",
  "sts",
];

/**
 * JupyterLab in SageMaker Studio, in a VPC that needs no way to the internet, with one profile, role
 * and security group for each user. A start of JupyterLab costs what its instance costs; the domain
 * and the profiles are free of charge.
 *
 * The VPC needs the interface endpoints that {@link WORKBENCH_ENDPOINTS} names, or a NAT gateway.
 * https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html
 *
 * @throws Error naming the argument when `userNames` is empty, names somebody twice or not in the
 * form above, `idleMinutes` is out of range, or `environment` has a name that no shell takes
 */
export class Workbench extends pulumi.ComponentResource {
  /** Known once the users can sign in. */
  public readonly domainId: pulumi.Output<string>;

  constructor(name: string, args: WorkbenchArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:Workbench", name, {}, opts);
    validate(args);

    const securityGroup = new aws.ec2.SecurityGroup(
      `${name}-sg`,
      { vpcId: args.network.vpcId, description: "Notebooks of all users" },
      { parent: this },
    );
    allowAws(name, securityGroup.id, args.network, { parent: this });
    // The server's side already admits the whole VPC.
    new aws.vpc.SecurityGroupEgressRule(
      `${name}-tracking-egress`,
      {
        securityGroupId: securityGroup.id,
        referencedSecurityGroupId: args.trackingServer.securityGroupId,
        ipProtocol: "tcp",
        fromPort: args.trackingServer.port,
        toPort: args.trackingServer.port,
        description: "Notebooks to the tracking server",
      },
      { parent: this },
    );

    const domain = this.addDomain(name, args, securityGroup.id);
    const profiles = args.userNames.map((userName) =>
      this.addUser(`${name}-user-${userName}`, userName, domain.id, securityGroup.id, args),
    );

    this.domainId = pulumi
      .all([domain.id, ...profiles.map((profile) => profile.id)])
      .apply(([id]) => id!);
    this.registerOutputs({ domainId: this.domainId });
  }

  private addDomain(
    name: string,
    args: WorkbenchArgs,
    securityGroupId: pulumi.Output<string>,
  ): aws.sagemaker.Domain {
    const visitor = serviceRole(
      `${name}-visitor`,
      {
        service: "sagemaker.amazonaws.com",
        accountId: args.accountId,
        statements: visitorStatements(),
      },
      { parent: this },
    );
    return new aws.sagemaker.Domain(
      `${name}-domain`,
      {
        domainName: name,
        authMode: "IAM",
        vpcId: args.network.vpcId,
        subnetIds: args.network.privateSubnetIds,
        appNetworkAccessType: "VpcOnly",
        kmsKeyId: args.kmsKeyArn,
        defaultUserSettings: {
          executionRole: visitor.arn,
          // SageMaker adds a group of its own, for NFS to the home folders.
          // https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UserSettings.html
          securityGroups: [securityGroupId],
          // Without these two, Studio Classic opens.
          studioWebPortal: "ENABLED",
          defaultLandingUri: "studio::",
          jupyterLabAppSettings: {
            // Built in: it runs at each start of every space, whatever its user chose there.
            // https://docs.aws.amazon.com/sagemaker/latest/dg/studio-lifecycle-configurations.html
            builtInLifecycleConfigArn: this.addStartupScript(name, args),
            appLifecycleManagement: {
              idleSettings: {
                lifecycleManagement: "ENABLED",
                idleTimeoutInMinutes: args.idleMinutes,
              },
            },
          },
        },
        retentionPolicy: { homeEfsFileSystem: args.forceDestroy ? "Delete" : "Retain" },
      },
      { parent: this, protect: args.protect },
    );
  }

  private addStartupScript(name: string, args: WorkbenchArgs): pulumi.Output<string> {
    const script = pulumi.output(args.environment).apply(startupScript);
    const config = new aws.sagemaker.StudioLifecycleConfig(
      `${name}-startup`,
      {
        studioLifecycleConfigAppType: "JupyterLab",
        studioLifecycleConfigContent: script.apply((text) => Buffer.from(text).toString("base64")),
        // AWS makes no names for these and changes none: a new script is a new one beside the old,
        // which goes when the domain has let it go.
        studioLifecycleConfigName: script.apply((text) => `${name}-${fingerprint(text)}`),
      },
      { parent: this },
    );
    return config.arn;
  }

  private addUser(
    name: string,
    userName: string,
    domainId: pulumi.Output<string>,
    sharedGroupId: pulumi.Output<string>,
    args: WorkbenchArgs,
  ): aws.sagemaker.UserProfile {
    const role = serviceRole(
      name,
      {
        service: "sagemaker.amazonaws.com",
        accountId: args.accountId,
        statements: userStatements({ ...args, userName, domainId }),
      },
      { parent: this },
    );
    return new aws.sagemaker.UserProfile(
      `${name}-profile`,
      {
        domainId,
        userProfileName: userName,
        userSettings: {
          executionRole: role.arn,
          securityGroups: [sharedGroupId, this.addOwnGroup(name, args.network)],
        },
      },
      { parent: this },
    );
  }

  /**
   * The apps of one user talk to one another, and to no other user's: an app asks who is there in the
   * browser only, so a group that all users share would open each one's notebooks to the others.
   * https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html
   */
  private addOwnGroup(name: string, network: Placement): pulumi.Output<string> {
    const securityGroup = new aws.ec2.SecurityGroup(
      `${name}-sg`,
      { vpcId: network.vpcId, description: "Notebooks of one user" },
      { parent: this },
    );
    const rule = {
      securityGroupId: securityGroup.id,
      referencedSecurityGroupId: securityGroup.id,
      ipProtocol: "tcp",
      fromPort: 8192,
      toPort: 65535,
      description: "Between the apps of one user",
    };
    new aws.vpc.SecurityGroupIngressRule(`${name}-apps-ingress`, rule, { parent: this });
    new aws.vpc.SecurityGroupEgressRule(`${name}-apps-egress`, rule, { parent: this });
    return securityGroup.id;
  }
}

function validate(args: WorkbenchArgs): void {
  if (args.userNames.length === 0) throw new Error("userNames: at least one is needed, none given");
  for (const userName of args.userNames) {
    // SageMaker takes capitals and 63 characters. But rights name the user in ARNs, which are compared
    // by case, and so does a role in its name, which ends at 64 characters.
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(userName) || userName.length > 24) {
      throw new Error(
        `userNames: "${userName}" given, use at most 24 lower-case letters, digits and single hyphens`,
      );
    }
  }
  const twice = args.userNames.find((userName, i) => args.userNames.indexOf(userName) !== i);
  if (twice !== undefined)
    throw new Error(`userNames: "${twice}" given twice, name each user once`);
  // https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_IdleSettings.html
  if (!Number.isInteger(args.idleMinutes) || args.idleMinutes < 60 || args.idleMinutes > 525_600) {
    throw new Error(`idleMinutes: ${args.idleMinutes} given, use 60 to 525600`);
  }
  for (const variable of Object.keys(args.environment)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) {
      throw new Error(`environment: "${variable}" given, use letters, digits and underscores`);
    }
  }
}

/** A few characters that change with the text. */
function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
