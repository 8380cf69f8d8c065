/**
 * @module Holds a virtual clock while this process, as an HTTP client, has a request in flight, so that the network
 * takes no simulated time. It subscribes to the diagnostics channels of Node's two HTTP clients.
 */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { VirtualClock } from './clock.ts';

interface UndiciMessage {
  readonly request: object;
  readonly socket?: Socket;
}
interface NodeMessage {
  readonly request: ClientRequest;
}

/** Starts tracking; dispose the result to stop. */
export function trackHttp(clock: VirtualClock): Disposable {
  const releases = new Map<object, () => void>();
  const begin = (request: object) => {
    if (!releases.has(request)) releases.set(request, clock.hold(request));
  };
  const end = (request: object) => {
    releases.get(request)?.();
    releases.delete(request);
  };
  const port = (request: object, socket: Socket | null | undefined) => {
    if (socket?.localPort !== undefined) clock.holdUsesPort(request, socket.localPort);
  };
  const steps: Record<string, (message: unknown) => void> = {
    'undici:request:create': (message) => begin((message as UndiciMessage).request),
    'undici:client:sendHeaders': (message) => {
      const { request, socket } = message as UndiciMessage;
      port(request, socket);
    },
    'undici:request:trailers': (message) => end((message as UndiciMessage).request),
    'undici:request:error': (message) => end((message as UndiciMessage).request),
    'http.client.request.created': (message) => {
      const { request } = message as NodeMessage;
      begin(request);
      request.once('socket', (socket) => {
        if (socket.connecting) socket.once('connect', () => port(request, socket));
        else port(request, socket);
      });
      request.once('close', () => end(request));
    },
  };
  for (const [name, step] of Object.entries(steps)) subscribe(name, step);
  return {
    [Symbol.dispose]: () => {
      for (const [name, step] of Object.entries(steps)) unsubscribe(name, step);
      for (const release of releases.values()) release();
    },
  };
}
