import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import { ComputedOutputs, evaluate } from "../../offline/engine";
import { Registration } from "../../offline/registration";

/** What a small program registered, and questions to it. */
export class Built {
  constructor(readonly resources: readonly Registration[]) {}

  /** The one resource with this name, whose type ends so (`rds/cluster:Cluster`, `Cluster`). */
  get(name: string, type = ""): Registration {
    const found = this.resources.filter(
      (resource) => resource.name === name && resource.type.endsWith(type),
    );
    assert.equal(found.length, 1, `${found.length} resources ${type} named ${name}`);
    return found[0]!;
  }

  /** All resources of a type, by the end of its token. */
  ofType(type: string): Registration[] {
    return this.resources.filter((resource) => resource.type.endsWith(type));
  }

  /** The inputs of one resource, loosely typed for assertions. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  inputs(name: string, type = ""): Record<string, any> {
    return this.get(name, type).inputs;
  }

  /** A policy document or another JSON input. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json(name: string, property: string, type = ""): any {
    return JSON.parse(String(this.inputs(name, type)[property]));
  }
}

/** Evaluates a program of a few components; computed outputs are made up unless said otherwise. */
export async function build(
  program: () => unknown,
  computed: ComputedOutputs = "made-up",
): Promise<Built> {
  const stack = { project: "mlops", stack: "test", config: {}, secretKeys: [] };
  const { resources } = await evaluate(
    async () => {
      await program();
    },
    stack,
    computed,
  );
  return new Built(resources);
}

/**
 * What holds for every component: its children are its own, carry its name, and a second instance
 * beside it collides with nothing (an evaluation refuses duplicate URNs).
 */
export async function assertWellFormed(token: string, make: (name: string) => void): Promise<void> {
  const built = await build(() => {
    make("one");
    make("two");
  });
  const components = built.ofType(token);
  assert.deepEqual(components.map((component) => component.name).sort(), ["one", "two"]);
  for (const component of components) {
    const children = built.resources.filter((resource) => resource.parent === component.urn);
    assert.ok(children.length > 0, `${component.name} has no children`);
    for (const child of children) {
      assert.ok(
        child.name.startsWith(component.name),
        `${child.name} does not begin with ${component.name}`,
      );
    }
  }
  const stack = built.ofType("pulumi:pulumi:Stack")[0]!.urn;
  const loose = built.resources.filter(
    (resource) => resource.parent === stack && !resource.type.startsWith("mlops:index:"),
  );
  assert.deepEqual(
    loose.map((resource) => resource.name),
    [],
    "children without a parent",
  );
}

/** A security group to connect to or from, outside of the component under test. */
export function securityGroup(name: string): aws.ec2.SecurityGroup {
  return new aws.ec2.SecurityGroup(name, { vpcId: "vpc-1" });
}
