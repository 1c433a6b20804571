// Takes the place of the native part of AWS's runtime client, which needs a C++ compiler. Load it with `--require`. AWS's own code
// for HTTP requests the invocations, with AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1.
const { request } = require('node:http')
const { registerHooks } = require('node:module')
const { pathToFileURL } = require('node:url')

const url = pathToFileURL(__filename).href

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === './rapid-client.node'
      ? { url, format: 'commonjs', shortCircuit: true }
      : nextResolve(specifier, context),
})

exports.done = (id, body) => post(`${id}/response`, body)
exports.error = (id, body) => post(`${id}/error`, body)

function post(path, body) {
  const invocations = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`
  request(`${invocations}/${path}`, { method: 'POST' }, (response) => response.resume()).end(body)
}
