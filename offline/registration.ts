/**
 * The value that stands for "known only after the provider has answered", as the engine writes it
 * into a preview (`plugin.UnknownStringValue` in pulumi/pulumi).
 */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** One resource as a program registered it: what the engine would hand to a policy pack. */
export interface Registration {
  readonly urn: string;
  /** Type token, such as `aws:rds/cluster:Cluster`. */
  readonly type: string;
  readonly name: string;
  /** True for a resource that a provider manages, false for a component. */
  readonly custom: boolean;
  /** True for a component that a provider builds, such as `awsx:ec2:Vpc`: its children stay unseen. */
  readonly remote: boolean;
  /** URN of the parent; only the stack itself has none. */
  readonly parent?: string;
  /** URN of the provider that manages it, where the program names one. */
  readonly provider?: string;
  /** Inputs as registered. A value that is not known yet is {@link UNKNOWN}. */
  readonly inputs: Record<string, unknown>;
  /** Inputs and, in a preview, every other output that the resource declares as {@link UNKNOWN}. */
  readonly outputs: Record<string, unknown>;
  /** Names of the inputs that the program marked as secret. */
  readonly secrets: readonly string[];
  /** URNs this resource waits for. */
  readonly dependencies: readonly string[];
  /** URNs that each input was computed from. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly protect: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly retainOnDelete: boolean;
}
