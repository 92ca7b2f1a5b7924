import assert from "node:assert/strict";
import { ArtifactStore, ArtifactStoreArgs } from "../../components/artifact-store";
import { EncryptionKey } from "../../components/encryption-key";
import { PrivateBucket } from "../../components/private-bucket";
import { assertWellFormed, build } from "../support/build";

const args: ArtifactStoreArgs = {
  kmsKeyArn: "arn:aws:kms:us-east-1:123456789012:key/1",
  captureRetentionDays: 30,
  protect: true,
  forceDestroy: false,
};
const store = (changes: Partial<ArtifactStoreArgs> = {}) =>
  build(() => new ArtifactStore("art", { ...args, ...changes }));

describe("ArtifactStore", () => {
  it("is well formed", () =>
    assertWellFormed("mlops:index:ArtifactStore", (name) => new ArtifactStore(name, args)));

  it("encrypts with the given key", async () => {
    const [rule] = (await store()).inputs("art-encryption").rules;
    assert.deepEqual(rule.applyServerSideEncryptionByDefault, {
      sseAlgorithm: "aws:kms",
      kmsMasterKeyId: args.kmsKeyArn,
    });
    assert.equal(rule.bucketKeyEnabled, true);
  });

  it("blocks every form of public access, and ACLs", async () => {
    const built = await store();
    const block = built.inputs("art-public-access-block");
    for (const flag of [
      "blockPublicAcls",
      "blockPublicPolicy",
      "ignorePublicAcls",
      "restrictPublicBuckets",
    ]) {
      assert.equal(block[flag], true, flag);
    }
    assert.equal(built.inputs("art-ownership").rule.objectOwnership, "BucketOwnerEnforced");
  });

  it("refuses plain HTTP and other keys, but not uploads that name no encryption", async () => {
    const [tls, key, ...rest] = (await store()).json("art-policy", "policy").Statement;
    assert.deepEqual(rest, []);
    assert.equal(tls.Effect, "Deny");
    assert.deepEqual(tls.Condition, { Bool: { "aws:SecureTransport": "false" } });
    assert.equal(tls.Resource.length, 2);
    assert.equal(key.Effect, "Deny");
    assert.equal(key.Action, "s3:PutObject");
    assert.deepEqual(key.Condition, {
      Null: { "s3:x-amz-server-side-encryption": "false" },
      StringNotEquals: { "s3:x-amz-server-side-encryption-aws-kms-key-id": args.kmsKeyArn },
    });
  });

  it("keeps versions, and clears abandoned uploads and old versions", async () => {
    const built = await store();
    assert.equal(built.inputs("art-versioning").versioningConfiguration.status, "Enabled");
    const [uploads, versions] = built.inputs("art-lifecycle").rules;
    assert.equal(uploads.abortIncompleteMultipartUpload.daysAfterInitiation, 7);
    assert.equal(versions.noncurrentVersionExpiration.noncurrentDays, 90);
    assert.deepEqual(versions.expiration, { expiredObjectDeleteMarker: true });
  });

  it("deletes captured requests, and nothing else, when their time is up", async () => {
    const rules = (await store()).inputs("art-lifecycle").rules as {
      filter: { prefix: string };
      expiration?: { days?: number };
    }[];
    assert.deepEqual(
      rules
        .filter(({ expiration }) => expiration?.days)
        .map(({ filter, expiration }) => [filter.prefix, expiration!.days]),
      [["data-capture/", 30]],
    );
  });

  it("protects the bucket, or lets it be destroyed with its contents, as told", async () => {
    const kept = (await store()).get("art-bucket");
    assert.deepEqual([kept.protect, kept.inputs.forceDestroy], [true, false]);
    const loose = (await store({ protect: false, forceDestroy: true })).get("art-bucket");
    assert.deepEqual([loose.protect, loose.inputs.forceDestroy], [false, true]);
  });
});

describe("PrivateBucket", () => {
  it("takes keys of S3 and an age limit where told", async () => {
    const built = await build(
      () =>
        new PrivateBucket("logs", {
          keepNoncurrentDays: 1,
          expireAfterDays: 30,
          protect: false,
          forceDestroy: false,
        }),
    );
    const [rule] = built.inputs("logs-encryption").rules;
    assert.deepEqual(rule, { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } });
    assert.deepEqual(built.inputs("logs-lifecycle").rules[1].expiration, { days: 30 });
  });
});

describe("EncryptionKey", () => {
  const key = (name: string) =>
    new EncryptionKey(name, {
      description: "test",
      accountId: "123456789012",
      region: "us-east-1",
      protect: true,
    });

  it("is well formed", () => assertWellFormed("mlops:index:EncryptionKey", key));

  it("rotates, and can be used by this account and by its CloudWatch logs only", async () => {
    const built = await build(() => key("data"));
    assert.equal(built.inputs("data-key").enableKeyRotation, true);
    assert.equal(built.get("data-key").protect, true);
    const [account, logs, ...rest] = built.json("data-key", "policy").Statement;
    assert.deepEqual(rest, []);
    assert.deepEqual(account.Principal, { AWS: "arn:aws:iam::123456789012:root" });
    assert.deepEqual(logs.Principal, { Service: "logs.us-east-1.amazonaws.com" });
    assert.deepEqual(logs.Condition.ArnLike, {
      "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:123456789012:log-group:*",
    });
  });
});
