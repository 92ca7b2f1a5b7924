import type {
  PolicyResource,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";

import { Links, setProperties } from "../lib/links";
import { ofTypes, resourcesOf } from "../lib/policy";
import { isObject, isUnset, list, UNKNOWN, type Value, type Values } from "../lib/values";

const LISTENERS = ["aws:lb/listener:Listener", "aws:alb/listener:Listener"];
const LOAD_BALANCERS = ["aws:lb/loadBalancer:LoadBalancer", "aws:alb/loadBalancer:LoadBalancer"];
const ENCRYPTED = ["HTTPS", "TLS"];

/**
 * Security policies without TLS 1.0 and 1.1. The provider's default, 2016-08, has both:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
 */
const MODERN_POLICY = /^ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)/;

/** A listener without any certificate is left alone: inside a VPC, TLS may end before it. */
export const listenerTls: ResourceValidationPolicy & StackValidationPolicy = {
  name: "listener-tls",
  description: "Where a load balancer has a certificate, it must take only TLS 1.2 or later.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["load-balancer", "tls"],
  remediationSteps:
    "Use protocol HTTPS or TLS with an ELBSecurityPolicy-TLS13-1-2 policy, and let plain listeners redirect.",
  url: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html",

  validateResource: resourcesOf(LISTENERS, (properties, report, args) => {
    const { protocol, certificateArn, sslPolicy } = properties;
    if (protocol === UNKNOWN) return;
    if (isEncrypted(properties)) {
      const isModern = typeof sslPolicy === "string" && MODERN_POLICY.test(sslPolicy);
      if (isModern || sslPolicy === UNKNOWN) return;
      report(`"${args.name}" takes TLS 1.0. Set sslPolicy to ELBSecurityPolicy-TLS13-1-2-2021-06.`);
    } else if (!isUnset(certificateArn)) {
      report(`"${args.name}" has a certificate and does not use it. Set its protocol to HTTPS.`);
    }
  }),

  validateStack: (args, report) => {
    const links = new Links(ofTypes(args.resources, LOAD_BALANCERS), ["arn", "id"]);
    const listeners = ofTypes(args.resources, LISTENERS);
    const balancersOf = (listener: PolicyResource) =>
      links.resolve(listener, "loadBalancerArn").targets;
    const withTls = new Set(
      listeners.filter((listener) => isEncrypted(setProperties(listener))).flatMap(balancersOf),
    );
    for (const listener of listeners) {
      const properties = setProperties(listener);
      const isPlain = properties["protocol"] === "HTTP" && !redirects(properties);
      if (isPlain && balancersOf(listener).some((balancer) => withTls.has(balancer))) {
        report(
          `"${listener.name}" serves plain HTTP beside an HTTPS listener. Let it redirect to HTTPS.`,
          listener.urn,
        );
      }
    }
  },
};

function isEncrypted({ protocol }: Values): boolean {
  return typeof protocol === "string" && ENCRYPTED.includes(protocol);
}

function redirects(properties: Values): boolean {
  const actions = list(properties["defaultActions"]);
  return actions.length > 0 && actions.every(isRedirect);
}

function isRedirect(action: Value): boolean {
  return action === UNKNOWN || (isObject(action) && action["type"] === "redirect");
}
