import { type Data, openData } from '../../local/sqlite/data.ts';
import { openDatabase } from '../../local/sqlite/database.ts';
import { openKeyFile } from '../../local/sqlite/key-file.ts';
import { sqliteLeases } from '../../local/sqlite/leases.ts';
import { catalogContract } from '../contract/catalog.ts';
import { leaseStoreContract } from '../contract/lease-store.ts';
import { sealerContract } from '../contract/sealer.ts';
import { sessionStoreContract } from '../contract/session-store.ts';
import { storedLeasesContract } from '../contract/stored-leases.ts';
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

storedLeasesContract('SQLite', async () => {
  const { dataDir, remove } = tempFolder();
  const database = openDatabase(dataDir);
  return {
    store: sqliteLeases(database),
    async plant({ lease, sqlite }) {
      const columns = { ...sqlite, document: JSON.stringify(lease) };
      const names = Object.keys(columns);
      const insert = `INSERT OR REPLACE INTO leases (${names}) VALUES (${names.map((name) => `:${name}`)})`;
      database.prepare(insert).run(columns);
    },
    async close() {
      database.close();
      remove();
    },
  };
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
