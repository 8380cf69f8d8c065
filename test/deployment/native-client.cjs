'use strict';
/**
 * Replaces the native part of Lambda's runtime interface client, which needs a compiler to install. Offers the three
 * functions of the native part, over plain HTTP.
 */
const http = require('node:http');

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
// the native client sends a result before it returns; here sending is asynchronous, so `next` waits for it
let posted = Promise.resolve();

const call = (method, path, body, headers = {}) =>
  new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, agent, method, path, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () =>
        resolve({ bodyJson: Buffer.concat(parts).toString(), headers: response.headers }),
      );
    });
    request.on('error', reject).end(body);
  });

const post = (id, what, body, headers) => {
  const path = `/2018-06-01/runtime/invocation/${id}/${what}`;
  posted = posted.then(() => call('POST', path, body, { 'content-type': 'application/json', ...headers }));
};

module.exports = {
  next: async () => {
    await posted;
    return await call('GET', '/2018-06-01/runtime/invocation/next');
  },
  done: (id, body) => post(id, 'response', body),
  error: (id, body) => post(id, 'error', body),
};
