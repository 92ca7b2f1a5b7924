/** Prints the policy documents of the API's readers and writers, as JSON, for the tests in Python. */
import * as pulumi from "@pulumi/pulumi";
import { readerStatements, writerStatements } from "../../components/api-rights";
import { policyDocument } from "../../components/policy-document";

const executionArn = process.argv[2];
if (!executionArn) throw new Error("usage: rights.ts EXECUTION_ARN");

pulumi
  .all({
    reader: policyDocument(readerStatements(executionArn)),
    writer: policyDocument(writerStatements(executionArn)),
  })
  .apply((documents) => console.log(JSON.stringify(documents)));
