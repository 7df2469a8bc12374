import type { Route } from './route.ts';

/**
 * Generated from `operations.ts`; `npm run docs` writes it anew. The command line, the client and the construct take the routes from
 * here, so that they load no schemas.
 */
export const ROUTES = [
  {
    method: 'POST',
    path: '/lease/{name+}',
    operation: 'mintLease',
    function: 'broker',
    who: 'caller',
  },
  {
    method: 'GET',
    path: '/leases',
    operation: 'listLeases',
    function: 'broker',
    who: 'caller',
  },
  {
    method: 'GET',
    path: '/leases/{id}',
    operation: 'getLease',
    function: 'broker',
    who: 'caller',
  },
  {
    method: 'DELETE',
    path: '/leases/{id}',
    operation: 'revokeLease',
    function: 'broker',
    who: 'caller',
  },
  {
    method: 'POST',
    path: '/leases/{id}/renew',
    operation: 'renewLease',
    function: 'broker',
    who: 'caller',
  },
  {
    method: 'GET',
    path: '/whoami',
    operation: 'whoami',
    function: 'broker',
    who: 'caller',
  },
  {
    method: 'GET',
    path: '/openapi.json',
    operation: 'getOpenapi',
    function: 'broker',
    who: 'caller',
  },
  {
    method: 'GET',
    path: '/admin/targets',
    operation: 'listTargets',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'PUT',
    path: '/admin/targets/{name+}',
    operation: 'putTarget',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'GET',
    path: '/admin/targets/{name+}',
    operation: 'getTarget',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'DELETE',
    path: '/admin/targets/{name+}',
    operation: 'deleteTarget',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'POST',
    path: '/admin/targets/{name+}',
    operation: 'actOnTarget',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'GET',
    path: '/admin/secrets',
    operation: 'listSecrets',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'PUT',
    path: '/admin/secrets/{name+}',
    operation: 'putSecret',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'GET',
    path: '/admin/secrets/{name+}',
    operation: 'getSecret',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'DELETE',
    path: '/admin/secrets/{name+}',
    operation: 'deleteSecret',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'GET',
    path: '/admin/leases',
    operation: 'listAllLeases',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'GET',
    path: '/admin/leases/{id}',
    operation: 'getAnyLease',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'DELETE',
    path: '/admin/leases/{id}',
    operation: 'revokeAnyLease',
    function: 'admin',
    who: 'admin',
  },
  {
    method: 'POST',
    path: '/admin/revoke',
    operation: 'revokeMatching',
    function: 'admin',
    who: 'admin',
  },
] as const satisfies readonly Route[];

export type AnyRoute = (typeof ROUTES)[number];
