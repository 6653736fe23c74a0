/** What the two services are called: as `source`, as `upstreamSource`, and in every problem. */

export const NODE_SERVICE = 'node-service';
export const DEMO_SERVICE = 'demo-service';
