import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bearerOf, call, createPat, exchange, NOON_MS, openFake, type TestHub } from './client.ts';

/** A token of Ann's: what Docker Hub says of it, and what is true of it. */
async function openWithToken(options: Parameters<typeof openFake>[0]) {
  const hub = await openFake(options);
  const { uuid, token } = (await createPat(hub, await bearerOf(hub))).body;
  return { hub, uuid, token, ...probes(hub, uuid, token) };
}

function probes(hub: TestHub, uuid: string, token: string) {
  const path = `/v2/access-tokens/${uuid}`;
  const send = async (method: string, body?: unknown) =>
    call(hub, method, path, { bearer: await bearerOf(hub), ...(body === undefined ? {} : { body }) });
  return {
    send,
    /** Whether it logs in, and that each way to ask says the same. */
    async isAlive() {
      const view = hub.control.tokens().find(({ id }) => id === uuid);
      const isTaken = (await exchange(hub, 'ann', token)).status === 200;
      expect([view?.live, hub.control.logsIn(token)]).toEqual([isTaken, isTaken]);
      return isTaken;
    },
    async listed() {
      const { body } = await call(hub, 'GET', '/v2/access-tokens', { bearer: await bearerOf(hub) });
      return body as { count: number; active_count: number; results: { uuid: string; is_active: boolean }[] };
    },
  };
}

describe('a late delete', () => {
  test('is answered at once and done when its time has come, by the clock of the fake alone', async () => {
    const { hub, uuid, send, isAlive, listed } = await openWithToken({ deleteStatus: 202, deleteDelayMs: 60_000 });
    expect((await send('DELETE')).status).toBe(202);
    hub.advance(59_999);
    expect((await send('GET')).body).toMatchObject({ uuid, is_active: true });
    expect((await listed()).results).toMatchObject([{ uuid, is_active: true }]);
    expect(await isAlive()).toBe(true);
    expect(hub.control.deletions()).toEqual([]);
    hub.advance(1);
    expect(hub.control.tokens()).toMatchObject([{ deleted: true, live: false }]);
    expect(await isAlive()).toBe(false);
    expect((await send('GET')).status).toBe(404);
    expect((await listed()).count).toBe(0);
    expect(hub.control.deletions()).toMatchObject([{ id: uuid, by: 'ann', atMs: NOON_MS + 60_000 }]);
  });

  test('is not put off by a second DELETE', async () => {
    const { hub, send, isAlive } = await openWithToken({ deleteStatus: 202, deleteDelayMs: 5_000 });
    await send('DELETE');
    hub.advance(4_000);
    expect((await send('DELETE')).status).toBe(202);
    hub.advance(1_000);
    expect(await isAlive()).toBe(false);
    expect((await send('DELETE')).status).toBe(404);
  });

  test('is done at the time it was due, also when nobody asked until later', async () => {
    const { hub, uuid, send } = await openWithToken({ deleteDelayMs: 5_000 });
    await send('DELETE');
    hub.advance(3_600_000);
    expect(hub.control.deletions()).toMatchObject([{ id: uuid, atMs: NOON_MS + 5_000 }]);
  });

  test('outlives a restart of the fake', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fake-hub-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const options = { dataFile: join(folder, 'fake.sqlite'), deleteDelayMs: 5_000 };
    const { hub, uuid, token, send } = await openWithToken(options);
    await send('DELETE');
    await hub.close();
    const again = await openFake(options);
    const { isAlive } = probes(again, uuid, token);
    again.advance(4_999);
    expect(await isAlive()).toBe(true);
    again.advance(1);
    expect(await isAlive()).toBe(false);
  });

  test('may never be done, however often it is asked for', async () => {
    const { hub, send, isAlive, listed } = await openWithToken({ deleteStatus: 202, deleteDelayMs: null });
    for (let attempt = 0; attempt < 3; attempt++) {
      expect((await send('DELETE')).status).toBe(202);
      hub.advance(365 * 86_400_000);
    }
    expect(await isAlive()).toBe(true);
    expect((await listed()).count).toBe(1);
    expect(hub.control.deletions()).toEqual([]);
    hub.control.set({ deleteDelayMs: 0 });
    expect((await send('DELETE')).status).toBe(202);
    expect(await isAlive()).toBe(false);
  });
});

describe('a soft delete', () => {
  test('leaves the token listed and readable, inactive and dead', async () => {
    const { hub, uuid, send, isAlive, listed } = await openWithToken({ deleteForm: 'soft' });
    expect((await send('DELETE')).status).toBe(204);
    expect(await isAlive()).toBe(false);
    expect((await send('GET')).body).toMatchObject({ uuid, is_active: false });
    expect(await listed()).toMatchObject({ count: 1, active_count: 0, results: [{ uuid, is_active: false }] });
    expect(hub.control.tokens()).toMatchObject([{ id: uuid, deleted: true, isActive: false, live: false }]);
    expect(hub.control.deletions()).toMatchObject([{ id: uuid, by: 'ann', atMs: NOON_MS }]);
  });

  test('cannot be undone, and a second one changes nothing', async () => {
    const { hub, send, isAlive } = await openWithToken({ deleteForm: 'soft' });
    await send('DELETE');
    expect((await send('PATCH', { is_active: true })).status).toBe(404);
    hub.advance(1_000);
    expect((await send('DELETE')).status).toBe(204);
    expect(await isAlive()).toBe(false);
    expect(hub.control.deletions()).toMatchObject([{ atMs: NOON_MS }]);
  });

  test('may be late as well', async () => {
    const { hub, send, isAlive } = await openWithToken({ deleteForm: 'soft', deleteDelayMs: 5_000 });
    await send('DELETE');
    expect((await send('GET')).body.is_active).toBe(true);
    hub.advance(5_000);
    expect((await send('GET')).body.is_active).toBe(false);
    expect(await isAlive()).toBe(false);
  });

  test('outlives a restart of the fake', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fake-hub-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const options = { dataFile: join(folder, 'fake.sqlite'), deleteForm: 'soft' } as const;
    const { hub, uuid, token, send } = await openWithToken(options);
    await send('DELETE');
    await hub.close();
    const again = await openFake(options);
    const probe = probes(again, uuid, token);
    expect((await probe.send('GET')).body).toMatchObject({ uuid, is_active: false });
    expect(await probe.isAlive()).toBe(false);
  });

  test('holds for organization tokens too', async () => {
    const hub = await openFake({ deleteForm: 'soft' });
    const bearer = await bearerOf(hub);
    const path = '/v2/orgs/acme/access-tokens';
    const { id } = (await call(hub, 'POST', path, { bearer, body: { label: 'one' } })).body;
    expect((await call(hub, 'DELETE', `${path}/${id}`, { bearer })).status).toBe(204);
    expect((await call(hub, 'GET', `${path}/${id}`, { bearer })).body.is_active).toBe(false);
    expect((await call(hub, 'PATCH', `${path}/${id}`, { bearer, body: { is_active: true } })).status).toBe(404);
    expect(hub.control.tokens()).toMatchObject([{ live: false, deleted: true }]);
  });
});

describe('a DELETE of the fake Docker Hub', () => {
  test.each([404, 403, 410] as const)('may answer %i for what is gone, while a GET answers 404', async (goneStatus) => {
    const { hub, send } = await openWithToken({ goneStatus });
    await send('DELETE');
    const again = await send('DELETE');
    expect([again.status, again.body]).toEqual([goneStatus, { errinfo: null, message: 'access token not found' }]);
    expect((await send('GET')).status).toBe(404);
    const bearer = await bearerOf(hub);
    expect((await call(hub, 'DELETE', '/v2/orgs/acme/access-tokens/none', { bearer })).status).toBe(goneStatus);
  });

  test('may always fail, and then nothing is deleted', async () => {
    const { hub, send, isAlive } = await openWithToken({ deleteErrorStatus: 500 });
    for (let attempt = 0; attempt < 3; attempt++) expect((await send('DELETE')).status).toBe(500);
    expect((await send('GET')).status).toBe(200);
    expect(await isAlive()).toBe(true);
    expect(hub.control.calls()).toMatchObject({ deletes: 0, routes: { 'pat-delete': 3 } });
  });
});
