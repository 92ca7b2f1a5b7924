import { PolicyPack } from "@pulumi/policy";

import { policies } from "./policies";

// The constructor starts a server: tests and the offline preview import ./policies instead.
new PolicyPack("mlops", { policies });
