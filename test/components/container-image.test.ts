import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContainerImage, ContainerImageArgs } from "../../components/container-image";
import { assertWellFormed, build } from "../support/build";

describe("ContainerImage", () => {
  let context: string;
  const args = (changes: Partial<ContainerImageArgs> = {}): ContainerImageArgs => ({
    context,
    version: "1.2.3",
    buildArgs: { VERSION: "1.2.3" },
    cpuArchitecture: "ARM64",
    kmsKeyArn: "arn:aws:kms:us-east-1:123456789012:key/1",
    forceDestroy: false,
    ...changes,
  });
  const image = (changes: Partial<ContainerImageArgs> = {}) =>
    build(() => new ContainerImage("img", args(changes)));
  const tag = async (changes: Partial<ContainerImageArgs> = {}) =>
    String((await image(changes)).inputs("img-build").imageName).split(":")[1]!;

  beforeEach(() => {
    context = mkdtempSync(join(tmpdir(), "image-"));
    writeFileSync(join(context, "Dockerfile"), "FROM scratch\n");
  });
  afterEach(() => rmSync(context, { recursive: true }));

  it("is well formed", () =>
    assertWellFormed("mlops:index:ContainerImage", (name) => new ContainerImage(name, args())));

  it("keeps its images encrypted, scanned, under tags that can not be moved", async () => {
    const built = await image();
    const repository = built.inputs("img-repository");
    assert.equal(repository.imageTagMutability, "IMMUTABLE");
    assert.equal(repository.imageScanningConfiguration.scanOnPush, true);
    assert.deepEqual(repository.encryptionConfigurations, [
      { encryptionType: "KMS", kmsKey: args().kmsKeyArn },
    ]);
    assert.equal(repository.forceDelete, false);
    const [rule] = built.json("img-lifecycle", "policy").rules;
    assert.equal(rule.selection.countNumber, 20);
  });

  it("builds for the processor that the tasks run on", async () => {
    const arm = (await image()).inputs("img-build").build;
    assert.equal(arm.platform, "linux/arm64");
    assert.equal(arm.dockerfile, join(context, "Dockerfile"));
    assert.deepEqual(arm.args, { VERSION: "1.2.3" });
    const x86 = (await image({ cpuArchitecture: "X86_64" })).inputs("img-build").build;
    assert.equal(x86.platform, "linux/amd64");
  });

  it("signs in to the registry with a password that stays secret", async () => {
    const push = (await image()).get("img-build");
    assert.deepEqual(push.secrets, ["registry"]);
  });

  it("changes its tag with every change of what is built, and with nothing else", async () => {
    const before = await tag();
    assert.match(before, /^1\.2\.3-[0-9a-f]{12}$/);
    assert.equal(await tag(), before);
    assert.notEqual(await tag({ buildArgs: { VERSION: "1.2.4" } }), before);
    assert.notEqual(await tag({ cpuArchitecture: "X86_64" }), before);
    mkdirSync(join(context, "__pycache__"));
    writeFileSync(join(context, "__pycache__", "x.pyc"), "bytes");
    assert.equal(await tag(), before);
    writeFileSync(join(context, "entrypoint.sh"), "#!/bin/sh\n");
    const withEntrypoint = await tag();
    assert.notEqual(withEntrypoint, before);
    writeFileSync(join(context, "entrypoint.sh"), "#!/bin/bash\n");
    assert.notEqual(await tag(), withEntrypoint);
  });

  it("refuses a folder without a Dockerfile", async () => {
    rmSync(join(context, "Dockerfile"));
    await assert.rejects(image(), /context: there is no .*Dockerfile/);
  });
});
