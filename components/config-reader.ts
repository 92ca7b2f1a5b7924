import * as pulumi from "@pulumi/pulumi";
import { distance } from "fastest-levenshtein";
import { isPrivate, parseIpv4Block } from "./cidr";

/**
 * Reads keys of the project's namespace, or of one group of settings in it, and gathers problems in
 * place of throwing at the first. A key that is wrong yields an empty value, and takes no part in
 * later checks.
 */
export class ConfigReader {
  private readonly known = new Set<string>();
  private readonly wrong = new Set<string>();

  constructor(
    private readonly config: Readonly<Record<string, string>> = pulumi.runtime.allConfig(),
    /** What the full name of each key begins with, such as `mlops:` or `mlops:models.iris.`. */
    private readonly prefix = `${pulumi.getProject()}:`,
    readonly problems: string[] = [],
  ) {}

  text(key: string, pattern: RegExp, what: string): string {
    const value = this.raw(key);
    if (value === undefined) return "";
    return pattern.test(value) ? value : this.refuse(key, value, `use ${what}`, "");
  }

  texts(key: string, pattern: RegExp, what: string): string[] {
    const value = this.json(key);
    if (value === undefined) return [];
    const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
    if (isList && value.every((item) => pattern.test(item))) return value;
    return this.refuse(key, value, `use a list of ${what}`, []);
  }

  stringMap(key: string): Record<string, string> {
    const value = this.json(key);
    if (value === undefined) return {};
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isMap && Object.values(value).every((item) => typeof item === "string")) {
      return value as Record<string, string>;
    }
    return this.refuse(key, value, "use names with values that are strings", {});
  }

  oneOf<Choice extends string>(key: string, choices: readonly Choice[]): Choice {
    const value = this.raw(key);
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined || value === undefined) return choice ?? choices[0]!;
    const list = choices.map((candidate) => `"${candidate}"`).join(" or ");
    return this.refuse(key, value, `use ${list}`, choices[0]!);
  }

  boolean(key: string): boolean {
    return this.oneOf(key, ["true", "false"]) === "true";
  }

  integer(key: string, min: number, max: number): number {
    const value = this.raw(key);
    if (value === undefined) return NaN;
    const number = Number(value);
    if (/^-?\d+$/.test(value) && number >= min && number <= max) return number;
    return this.refuse(key, value, `use a whole number from ${min} to ${max}`, NaN);
  }

  integerOf(key: string, choices: readonly number[]): number {
    const value = this.raw(key);
    if (value === undefined) return NaN;
    if (/^\d+$/.test(value) && choices.includes(Number(value))) return Number(value);
    return this.refuse(key, value, `use one of ${choices.join(", ")}`, NaN);
  }

  /** Aurora capacity units: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.how-it-works.html */
  capacity(key: string, min: number): number {
    const value = this.raw(key);
    if (value === undefined) return NaN;
    const number = Number(value);
    if (/^\d+(\.[05])?$/.test(value) && number >= min && number <= 256) return number;
    return this.refuse(key, value, `use "${min}" to "256" in steps of 0.5`, NaN);
  }

  vpcCidr(key: string): string {
    const value = this.raw(key);
    if (value === undefined) return "";
    const block = parseIpv4Block(value);
    if (!block) {
      return this.refuse(key, value, "use a block without host bits, such as 10.0.0.0/16", "");
    }
    if (block.prefix < 16 || block.prefix > 22) {
      return this.refuse(key, value, "use a block of /16 (the most AWS allows) to /22", "");
    }
    if (!isPrivate(block)) {
      return this.refuse(
        key,
        value,
        "use a block in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        "",
      );
    }
    return value;
  }

  /**
   * The groups of settings under one key, each by its name and with a reader of its own, which notes
   * its problems here.
   *
   * @param defaults values of the keys that a group does not set, given those that it sets
   */
  groups(
    key: string,
    namePattern: RegExp,
    what: string,
    defaults: (group: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
  ): [string, ConfigReader][] {
    const value = this.json(key);
    if (value === undefined) return [];
    const isGroup = (item: unknown) =>
      typeof item === "object" && item !== null && !Array.isArray(item);
    if (!isGroup(value) || !Object.values(value as object).every(isGroup)) {
      return this.refuse(key, value, "use names, each with a group of settings", []);
    }
    const readers: [string, ConfigReader][] = [];
    for (const [name, group] of Object.entries(value as Record<string, object>)) {
      if (!namePattern.test(name)) {
        this.refuse(key, name, `use ${what} for a name`, undefined);
        continue;
      }
      const values = Object.fromEntries(
        Object.entries(group).map(([item, own]) => [
          item,
          typeof own === "string" ? own : JSON.stringify(own),
        ]),
      );
      const prefix = `${this.fullName(key)}.${name}.`;
      const config = Object.fromEntries(
        Object.entries({ ...defaults(values), ...values }).map(([item, own]) => [
          `${prefix}${item}`,
          own,
        ]),
      );
      readers.push([name, new ConfigReader(config, prefix, this.problems)]);
    }
    return readers;
  }

  /** Notes a problem for each of these keys that is set. */
  refuseKeys(keys: readonly string[], problem: (fullName: string) => string): void {
    for (const key of keys) {
      this.known.add(key);
      const full = this.fullName(key);
      if (this.config[full] !== undefined) this.problems.push(problem(full));
    }
  }

  /** Notes a problem unless the condition holds; says nothing while one of the keys is wrong by itself. */
  check(
    keys: readonly string[],
    condition: boolean | (() => boolean),
    problem: () => string,
  ): void {
    if (keys.some((key) => this.wrong.has(key))) return;
    if (!(typeof condition === "function" ? condition() : condition)) this.problems.push(problem());
  }

  /** Pulumi passes misspelt keys over in silence, and the default would stand in their place. */
  refuseUnknownKeys(): void {
    const known = [...this.known].filter((key) => !key.includes(":"));
    for (const full of Object.keys(this.config)
      .filter((name) => name.startsWith(this.prefix))
      .sort()) {
      const key = full.slice(this.prefix.length);
      if (this.known.has(key)) continue;
      const nearest = known.reduce((best, name) =>
        distance(key, name) < distance(key, best) ? name : best,
      );
      this.problems.push(`${full} is not a setting: use ${this.prefix}${nearest}, or remove it.`);
    }
  }

  private raw(key: string): string | undefined {
    this.known.add(key);
    const full = this.fullName(key);
    const value = this.config[full];
    if (value === undefined) {
      this.wrong.add(key);
      const path = full.includes(".") ? "--path " : "";
      this.problems.push(`${full} is missing: set it with "pulumi config set ${path}${full} …".`);
    }
    return value;
  }

  private json(key: string): unknown {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  }

  private refuse<Value>(key: string, value: unknown, fix: string, fallback: Value): Value {
    this.wrong.add(key);
    const shown = typeof value === "string" ? value : JSON.stringify(value);
    this.problems.push(`${this.fullName(key)} is "${shown}": ${fix}.`);
    return fallback;
  }

  /** The key as it stands in a stack file. */
  fullName(key: string): string {
    return key.includes(":") ? key : `${this.prefix}${key}`;
  }
}
