/** Type tokens of S3 buckets and of the resources that configure them; V2 are the older names. */
export const BUCKET = ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"];
export const BUCKET_POLICY = ["aws:s3/bucketPolicy:BucketPolicy"];
export const BUCKET_ACL = ["aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2"];
export const BUCKET_ENCRYPTION = [
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
];
export const BUCKET_LOGGING = [
  "aws:s3/bucketLogging:BucketLogging",
  "aws:s3/bucketLoggingV2:BucketLoggingV2",
];
export const PUBLIC_ACCESS_BLOCK = ["aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"];
export const ACCOUNT_PUBLIC_ACCESS_BLOCK = [
  "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
];

/** What other resources refer to a bucket by. */
export const BUCKET_IDS = ["bucket", "id", "arn"];
