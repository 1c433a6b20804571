import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { FunctionError } from '../../../infra/local/cloud/types.ts'

/** The parts of Lambda's context that the Runtime API sends. */
export interface InvocationContext {
  awsRequestId: string
  invokedFunctionArn: string
  getRemainingTimeInMillis(): number
}

/** The flags of Lambda with nodejs24.x. */
const FLAGS = ['--no-experimental-require-module', '--no-experimental-detect-module']
const CLIENT = join(import.meta.dirname, 'node_modules/aws-lambda-ric/index.mjs')
const RAPID_CLIENT = join(import.meta.dirname, 'rapid-client.cjs')
const API = '/2018-06-01/runtime'

/**
 * An execution environment of Lambda: a process in which AWS's runtime client runs a bundle, and the Runtime API for it. The process
 * ends with the thread that created it, because it can no longer request invocations.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export class RuntimeProcess {
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves to the exit code when all output has been read. */
  readonly exited: Promise<number | null>
  /** The reason why the bundle does not load, as reported to Lambda, which counts it in the metric Errors. */
  initError: FunctionError | undefined
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  /** The request of the process for the next invocation. */
  #next = deferred<ServerResponse>()
  #result = deferred<unknown>()

  private constructor(server: Server, child: ChildProcessByStdio<null, Readable, Readable>) {
    this.#child = child
    this.stdout = child.stdout.setEncoding('utf8')
    this.stderr = child.stderr.setEncoding('utf8')
    server.on('request', (req, res) => void this.#handle(req, res))
    this.exited = once(child, 'close').then(([code]) => {
      server.close()
      const error = errorOf(this.initError ?? { errorType: 'Runtime.ExitError', errorMessage: `exit status ${code}` })
      this.#next.reject(error)
      this.#result.reject(error)
      return code
    })
  }

  /**
   * Starts a process for a bundle.
   *
   * @param entry path of the bundle, without the extension
   */
  static async start(entry: string, environment: NodeJS.ProcessEnv): Promise<RuntimeProcess> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const env = {
      AWS_LAMBDA_FUNCTION_NAME: 'function',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/function',
      AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
      ...environment,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: 'true',
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
      LAMBDA_TASK_ROOT: dirname(entry),
      _HANDLER: `${basename(entry)}.handler`,
    }
    const command = [...FLAGS, '--require', RAPID_CLIENT, CLIENT]
    return new RuntimeProcess(server, spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
  }

  /** Waits until the bundle is loaded. @throws Error that ended the process */
  async ready(): Promise<void> {
    await this.#next.promise
  }

  /** Returns the result of the function. @throws Error of the function */
  async invoke(event: unknown, context: InvocationContext = newContext()): Promise<unknown> {
    const response = await this.#next.promise
    this.#next = deferred()
    this.#result = deferred()
    response.writeHead(200, {
      'lambda-runtime-aws-request-id': context.awsRequestId,
      'lambda-runtime-deadline-ms': Math.ceil(Date.now() + context.getRemainingTimeInMillis()),
      'lambda-runtime-invoked-function-arn': context.invokedFunctionArn,
    })
    response.end(JSON.stringify(event))
    return this.#result.promise
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exited
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.url === `${API}/invocation/next`) return this.#next.resolve(res)
    const body: unknown = JSON.parse(await text(req))
    if (req.url === `${API}/init/error`) this.initError = body as FunctionError
    else if (req.url?.endsWith('/error')) this.#result.reject(errorOf(body as FunctionError))
    else this.#result.resolve(body)
    res.writeHead(202).end()
  }
}

/** A promise that nothing needs to wait for. */
function deferred<T>(): PromiseWithResolvers<T> {
  const created = Promise.withResolvers<T>()
  created.promise.catch(() => {})
  return created
}

function newContext(): InvocationContext {
  const invokedFunctionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:function:1'
  return { awsRequestId: randomUUID(), invokedFunctionArn, getRemainingTimeInMillis: () => 28_000 }
}

function errorOf({ errorType, errorMessage }: FunctionError): Error {
  return Object.assign(new Error(errorMessage), { name: errorType })
}
