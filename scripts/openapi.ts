// Writes docs/openapi.json, the description of the API as of no stack in particular.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { openApi } from "../functions/predict/openapi";

const FILE = join(__dirname, "..", "docs", "openapi.json");

async function main(): Promise<void> {
  const document = openApi({ models: [{ name: "iris", serving: "serverless", version: "3" }] });
  writeFileSync(FILE, await format(JSON.stringify(document), { parser: "json", printWidth: 100 }));
}

void main();
