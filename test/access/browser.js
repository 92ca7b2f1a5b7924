// Drives Chromium through MLflow's pages by the address of the ui proxy:
// `node browser.js URL SCREENSHOT RUN-ID EXPERIMENT-ID RUN-NAME MODEL`. Prints what went wrong as JSON.
"use strict";
const assert = require("node:assert/strict");
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { chromium } = require("playwright-core");

const [url, screenshot, run, experiment, runName, model] = process.argv.slice(2);

const HARMLESS = [
  // The pages ask whether this server has accounts of its own, and learn so that it has none.
  /404.* http:\/\/127\.0\.0\.1:\d+\/ajax-api\/2\.0\/mlflow\/users\/current$/,
  // The browser puts the rest of a layout off to its next frame, as a chart grows.
  /ResizeObserver loop completed with undelivered notifications/,
];

async function main() {
  const profile = mkdtempSync(join(tmpdir(), "chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    viewport: { width: 1280, height: 800 },
    // The rest keeps it from looking for Google's servers.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(60_000);
    const errors = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(`${message.text()} ${message.location().url}`);
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("response", (response) => {
      if (response.status() >= 400) errors.push(`${response.status()} ${response.url()}`);
    });
    await visit(page);
    const own = errors.filter((error) => !HARMLESS.some((pattern) => pattern.test(error)));
    assert.deepEqual(own, []);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

async function visit(page) {
  const text = (value) => page.getByText(value, { exact: false }).first();

  // The list of experiments, and the runs of one.
  await page.goto(`${url}/#/experiments`);
  await text("house prices ✓").waitFor();
  await page.goto(`${url}/#/experiments/${experiment}/runs`);
  await text(runName).waitFor();

  // A run with its metrics' charts.
  await page.goto(`${url}/#/experiments/${experiment}/runs/${run}/model-metrics`);
  await text("loss").waitFor();
  await page.locator(".js-plotly-plot").first().waitFor();
  await page.screenshot({ path: screenshot });

  // The preview of an artifact.
  await page.goto(`${url}/#/experiments/${experiment}/runs/${run}/artifacts`);
  await text("notes.txt").click();
  await text("the text of an artifact").waitFor();

  // The registry.
  await page.goto(`${url}/#/models`);
  await text(model).waitFor();

  // A rename, which is a POST with an Origin.
  await page.goto(`${url}/#/experiments/${experiment}/runs/${run}`);
  await page.getByTestId("overflow-menu-trigger").first().click();
  await page.getByText("Rename", { exact: true }).click();
  await page.getByRole("dialog").getByRole("textbox").fill(`${runName}, renamed`);
  const answered = page.waitForResponse((response) => response.url().endsWith("/runs/update"));
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /save|rename/i })
    .click();
  assert.equal((await answered).status(), 200);
  await text(`${runName}, renamed`).waitFor();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
