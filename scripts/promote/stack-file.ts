import { isMap, isScalar, parseDocument } from "yaml";
import type { Node, Pair, Scalar, YAMLMap } from "yaml";
import { UserError } from "../connect-outputs";

/** What a stack file shall say of a model. */
export interface Promotion {
  /** Key of the entry under `models`. */
  readonly name: string;
  readonly version: string;
  /** `mlflow-artifacts:/…`, of characters that YAML needs no quotes for. */
  readonly artifactLocation: string;
  /** Where it comes from, in one line for whoever reads the file: `MODEL@ALIAS, version N, …`. */
  readonly origin: string;
}

type Block = YAMLMap<Scalar, Node | null>;
type BlockPair = Pair<Scalar, Node | null>;

/** A part of the text and what takes its place. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const STEP = "  ";
/** The comment of an earlier promotion. */
const ORIGIN = /^[ \t]*# .+@.+, version \d+.*\r?\n/m;

/**
 * The text of a stack file with the model in it. Lines are put in or changed one by one; the document
 * is not written anew, so that every other byte stays as it was. A new entry is served in the simplest
 * way; an existing one keeps everything but its version, location and comment.
 *
 * @param file name of the file, for errors
 * @param project name of the Pulumi project, the namespace of its settings
 * @throws UserError where the file can not be edited, or its entry is not one of a registered model
 */
export function withModel(
  text: string,
  file: string,
  project: string,
  promotion: Promotion,
): string {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem) throw new UserError(`${file} is no YAML: ${problem.message.split("\n")[0]}`);
  // Pulumi takes a key without a namespace for one of the project.
  const models = document.hasIn(["config", "models"]) ? "models" : `${project}:models`;
  const path = ["config", models, promotion.name];
  const entry = `${models}.${promotion.name} in ${file}`;
  const blocks = blocksOn(path, document.contents, entry);
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const edits =
    blocks.length > path.length
      ? changes(text, blocks, promotion, entry, eol)
      : additions(text, blocks.at(-1), path.slice(Math.max(0, blocks.length - 1)), promotion, eol);
  return edits
    .sort((one, other) => other.start - one.start)
    .reduce((now, edit) => now.slice(0, edit.start) + edit.text + now.slice(edit.end), text);
}

/** The mappings on the path, from the document down to the last one that has keys. */
function blocksOn(path: readonly string[], contents: unknown, entry: string): Block[] {
  const blocks: Block[] = [];
  let node = contents;
  while (!isEmpty(node)) {
    if (!isMap(node) || node.flow) {
      throw new UserError(
        `${entry} has no place: write what is above it one key a line, no braces`,
      );
    }
    const block = node as Block;
    blocks.push(block);
    const key = path[blocks.length - 1];
    node = key === undefined ? undefined : block.get(key, true);
  }
  return blocks;
}

function isEmpty(node: unknown): boolean {
  if (isMap(node)) return node.items.length === 0;
  return node === undefined || node === null || (isScalar(node) && node.value === null);
}

/**
 * Edits that write the entry, and what is above it and not there.
 *
 * @param block the mapping that the first key of the path belongs to; none in an empty document
 */
function additions(
  text: string,
  block: Block | undefined,
  path: readonly string[],
  { version, artifactLocation, origin }: Promotion,
  eol: string,
): Edit[] {
  const indent = block ? indentOf(text, block) : "";
  const empty = block && pairOf(block, path[0]!);
  const keys = path.map((key, depth) => `${indent}${STEP.repeat(depth)}${key}:`);
  const inner = indent + STEP.repeat(path.length);
  const lines = [
    ...(empty ? keys.slice(1) : keys),
    `${inner}# ${origin}`,
    `${inner}version: "${version}"`,
    `${inner}artifactLocation: ${artifactLocation}`,
    `${inner}serving: serverless`,
  ];
  const end = empty ? empty.key.range![1] : block ? contentEnd(text, block) : text.length;
  const start = nextLine(text, end);
  const unended = start > 0 && text[start - 1] !== "\n";
  const added = (unended ? eol : "") + lines.map((line) => line + eol).join("");
  const edits = [{ start, end: start, text: added }];
  const [from, to] = empty?.value?.range ?? [0, 0];
  // It is written as `{}` or `null`.
  if (empty && from < to) edits.push({ start: empty.key.range![1], end: to, text: ":" });
  return edits;
}

/** Edits of the entry that is there, the last of the blocks. */
function changes(
  text: string,
  blocks: readonly Block[],
  { name, version, artifactLocation, origin }: Promotion,
  entry: string,
  eol: string,
): Edit[] {
  const [models, block] = blocks.slice(-2) as [Block, Block];
  const other = ["image", "folder"].find((source) => block.has(source));
  if (other) {
    throw new UserError(
      `${entry} serves an image of its own (${other}): remove that entry, or choose another --name`,
    );
  }
  const edits: Edit[] = [];
  const indent = indentOf(text, block);
  const start = nextLine(text, pairOf(models, name)!.key.range![1]);
  const end = firstKey(block) - indent.length;
  let head = text.slice(start, end);
  const comment = `${indent}# ${origin}${eol}`;
  head = ORIGIN.test(head) ? head.replace(ORIGIN, () => comment) : head + comment;
  for (const [key, wanted] of Object.entries({ version, artifactLocation })) {
    const node = block.get(key, true);
    const written = key === "version" ? `"${wanted}"` : wanted;
    if (node === undefined) head += `${indent}${key}: ${written}${eol}`;
    else if (!isScalar(node) || node.value === null) {
      throw new UserError(`${key} of ${entry} is no text: remove that line, and promote again`);
    } else if (String(node.value) !== wanted) {
      edits.push({ start: node.range![0], end: node.range![1], text: written });
    }
  }
  return [...edits, { start, end, text: head }];
}

function pairOf(block: Block, key: string): BlockPair | undefined {
  return block.items.find((pair) => pair.key.value === key);
}

/** The white space before the first key. */
function indentOf(text: string, block: Block): string {
  const first = firstKey(block);
  return text.slice(text.lastIndexOf("\n", first - 1) + 1, first);
}

function firstKey(block: Block): number {
  return block.items[0]!.key.range![0];
}

/** Where the last value ends, without the blank lines behind it. */
function contentEnd(text: string, block: Block): number {
  return text.slice(0, block.range![1]).trimEnd().length;
}

/** The start of the line after the one that this is in, or the end of the text. */
function nextLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end + 1;
}
