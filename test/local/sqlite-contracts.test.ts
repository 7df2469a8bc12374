import { type Data, openData } from '../../local/sqlite/data.ts';
import { openKeyFile } from '../../local/sqlite/key-file.ts';
import { catalogContract } from '../contract/catalog.ts';
import { leaseStoreContract } from '../contract/lease-store.ts';
import { sealerContract } from '../contract/sealer.ts';
import { sessionStoreContract } from '../contract/session-store.ts';
import { targetCredentialsContract } from '../contract/target-credentials.ts';
import { tempFolder } from './sqlite-folder.ts';

function fresh(): { readonly data: Data; close(): Promise<void> } {
  const { dataDir, remove } = tempFolder();
  const data = openData(dataDir);
  return {
    data,
    async close() {
      data.close();
      remove();
    },
  };
}

leaseStoreContract('SQLite', async () => {
  const { data, close } = fresh();
  return { store: data.leases, close };
});

catalogContract('SQLite', async () => {
  const { data, close } = fresh();
  return { catalog: data.catalog, close };
});

sessionStoreContract('SQLite', async () => {
  const { data, close } = fresh();
  return { store: data.sessions, close };
});

targetCredentialsContract('SQLite', async () => {
  const { data, close } = fresh();
  return { credentials: data.credentials, close };
});

sealerContract('The key file', async () => {
  const [own, other] = [tempFolder(), tempFolder()];
  return {
    sealer: openKeyFile(own.dataDir).sealer,
    stranger: openKeyFile(other.dataDir).sealer,
    async close() {
      own.remove();
      other.remove();
    },
  };
});
