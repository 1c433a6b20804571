import { defaultUrl } from '../sandbox/platforms/sandbox/demo.ts'

/** The environment variables, for help texts. */
export const START_SETTINGS = `Settings (environment variables)
  WEBHOOKS_PORT           port on 127.0.0.1 (default: ${new URL(defaultUrl).port})
  WEBHOOKS_STATE          folder for persistent data (default: .webhooks)
  WEBHOOKS_SECRETS        JSON file with secrets that override those of the sandbox, to use real platforms: secret name -> value
                          (default: secrets.json in the state folder, if it exists)
  WEBHOOKS_EVENTS         YAML file that declares the sources of notifications, such as events.yaml (default: those of the sandbox)
  WEBHOOKS_POLICY         YAML file with the rules that restrict calls, such as policy.yaml
  WEBHOOKS_AGENT_SIGN_IN  "on": agents can sign in with an OpenID provider, as they can at a custom domain
  WEBHOOKS_DEMO           "off": do not run the demo sequence at the start`
