import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Something that the user can put right; the message says how. */
export class UserError extends Error {}

/**
 * An output of a deployed stack, as the Pulumi CLI knows it.
 *
 * @throws UserError when the CLI, the stack or the output is missing
 */
export async function stackOutput(stack: string, name: string): Promise<unknown> {
  const args = ["stack", "output", "--json", "--stack", stack];
  let outputs: Record<string, unknown>;
  try {
    const { stdout } = await promisify(execFile)("pulumi", args);
    outputs = JSON.parse(stdout) as Record<string, unknown>;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === "ENOENT") {
      throw new UserError("the Pulumi CLI is not installed, and only it knows the stack's outputs");
    }
    const [reason] = (stderr?.trim() || String(error)).split("\n");
    throw new UserError(`the outputs of the stack ${stack} can not be read: ${reason}`);
  }
  if (outputs[name] === undefined) {
    throw new UserError(
      `the stack ${stack} has no output "${name}": deploy it first (pulumi up --stack ${stack})`,
    );
  }
  return outputs[name];
}
