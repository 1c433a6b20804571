import { type Failure, refusedInput } from '../errors.ts'
import { optional, words } from '../fields.ts'

/** The field of connections whose jobs get the parameters of a call as environment variables. */
export const allowParameters = optional(
  words('Names that parameters of a call may have. Defaults to all names that are safe as environment variables'),
)

/** How the parameters of a start become environment variables. */
export interface JobVariables<Connection> {
  /** Prefixes of variables that the platform itself uses. */
  reserved: readonly string[]
  /** Whether parameters become variables with this connection. Defaults to true. */
  appliesTo?(connection: Connection): boolean
}

/**
 * Variables that make shells, loaders, interpreters, build tools and clients run other code, load other configuration,
 * contact other hosts or reveal secrets.
 */
const UNSAFE_NAMES = new Set(
  `
  BASHOPTS BASH_ENV BASH_XTRACEFD CDPATH ENV HOME IFS PATH PATHEXT COMSPEC PROMPT_COMMAND PS4 SHELL SHELLOPTS ZDOTDIR
  GCONV_PATH LOCPATH
  NODE_EXTRA_CA_CERTS NODE_OPTIONS NODE_PATH NODE_TLS_REJECT_UNAUTHORIZED
  PYTHONBREAKPOINT PYTHONHOME PYTHONINSPECT PYTHONPATH PYTHONSTARTUP PYTHONUSERBASE PYTHONWARNINGS
  PERL5DB PERL5LIB PERL5OPT PERLLIB
  BUNDLE_GEMFILE GEM_HOME GEM_PATH RUBYLIB RUBYOPT
  ANT_ARGS ANT_OPTS CLASSPATH GRADLE_OPTS JAVA_HOME JAVA_OPTS JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS MAVEN_ARGS MAVEN_OPTS
  SBT_OPTS _JAVA_OPTIONS
  DOTNET_ADDITIONAL_DEPS DOTNET_STARTUP_HOOKS
  GOENV GOFLAGS GOPROXY GOSUMDB GOTOOLCHAIN
  RUSTC RUSTC_WRAPPER RUSTFLAGS
  GNUMAKEFLAGS MAKEFLAGS MFLAGS
  LUA_INIT PHPRC PHP_INI_SCAN_DIR R_ENVIRON R_PROFILE R_PROFILE_USER
  BROWSER EDITOR LESSCLOSE LESSOPEN MANPAGER PAGER VISUAL
  SSH_ASKPASS SSH_AUTH_SOCK
  ALL_PROXY HTTPS_PROXY HTTP_PROXY NO_PROXY
  CURL_CA_BUNDLE CURL_HOME OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES REQUESTS_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE
  WGETRC
  AWS_ACCESS_KEY_ID AWS_CA_BUNDLE AWS_CONFIG_FILE AWS_PROFILE AWS_ROLE_ARN AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  AWS_SHARED_CREDENTIALS_FILE AWS_WEB_IDENTITY_TOKEN_FILE
  DOCKER_AUTH_CONFIG DOCKER_CONFIG DOCKER_HOST KUBECONFIG
  `.match(/\S+/g),
)
const UNSAFE_PREFIXES = [
  'AWS_CONTAINER_',
  'AWS_ENDPOINT_URL',
  'BASH_FUNC_',
  'CI_',
  'CORECLR_',
  'COR_',
  'DYLD_',
  'GIT_',
  'LD_',
  'NPM_CONFIG_',
  'PIP_',
]
const MAX_SHOWN_NAME = 100

/**
 * Checks the names of the parameters of a start, before the call is accepted.
 *
 * @throws Failure `refused`
 */
export function checkParameterNames<C extends Record<string, unknown>>(
  parameters: Record<string, unknown> | undefined,
  connection: C,
  variables: JobVariables<C> | undefined,
): void {
  const names = Object.keys(parameters ?? {})
  const allowed = connection['allowParameters'] as string[] | undefined
  if (allowed) {
    const unknown = names.find((name) => !allowed.includes(name))
    if (unknown !== undefined)
      throw refusedParameter(unknown, `is not in allowParameters of the connection: ${allowed.join(', ')}`)
    return
  }
  if (!variables || variables.appliesTo?.(connection) === false) return
  const unsafe = names.find((name) => isUnsafe(name, variables.reserved))
  if (unsafe === undefined) return
  throw refusedParameter(
    unsafe,
    'could run other code or reveal secrets as an environment variable of the job. If callers may set it, list all names that they may set in allowParameters of the connection',
  )
}

/** Ignores case, as Windows does, and treats dots as underscores, as Azure Pipelines does. */
function isUnsafe(name: string, reserved: readonly string[]): boolean {
  const plain = name.trim().toUpperCase().replaceAll('.', '_')
  return UNSAFE_NAMES.has(plain) || [...UNSAFE_PREFIXES, ...reserved].some((prefix) => plain.startsWith(prefix))
}

function refusedParameter(name: string, message: string): Failure {
  return refusedInput(`input.parameters.${name.slice(0, MAX_SHOWN_NAME)}`, message)
}
