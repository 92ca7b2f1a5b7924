import { join } from "node:path";
import { ComputedOutputs, evaluate, Evaluation } from "./engine";
import { StackConfig } from "./project";

/** Evaluates `index.ts` of a project's folder for a stack. */
export function evaluateProgram(
  root: string,
  stack: StackConfig,
  computed?: ComputedOutputs,
): Promise<Evaluation> {
  // Paths in the program, such as an image's folder, are relative to the project.
  process.chdir(root);
  const entry = require.resolve(join(root, "index.ts"));
  return evaluate(
    () => {
      // A program runs once when it is loaded: a second evaluation must load it anew.
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      const loaded = (delete require.cache[entry], require(entry)) as unknown;
      return loaded;
    },
    stack,
    computed,
  );
}
