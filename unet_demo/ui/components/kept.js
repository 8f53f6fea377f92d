// What the browser keeps beyond a reload, in a database of its own: records {key, when, …} of each kind, of which the
// oldest go. All of it may fail, where a browser keeps nothing or has no room.

const KINDS = { strokes: 20, pictures: 3 }; // how many records of each

function opened() {
  return new Promise((done, fail) => {
    const asked = indexedDB.open("unet_demo", 1);
    asked.onupgradeneeded = () => {
      for (const kind in KINDS) asked.result.createObjectStore(kind, { keyPath: "key" }).createIndex("when", "when");
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
}

// What `act` asks of the records of a kind.
async function ofKept(kind, act) {
  const database = await opened();
  try {
    return await new Promise((done, fail) => {
      const transaction = database.transaction(kind, "readwrite");
      const asked = act(transaction.objectStore(kind));
      transaction.oncomplete = () => done(asked.result);
      transaction.onabort = () => fail(transaction.error);
    });
  } finally {
    database.close();
  }
}

// The keys of all records of a kind, the newest first.
async function keptKeys(kind) {
  return (await ofKept(kind, (records) => records.index("when").getAllKeys())).reverse();
}

const kept = (kind, key) => ofKept(kind, (records) => records.get(key));
const forget = (kind, key) => ofKept(kind, (records) => records.delete(key));

async function keepRecord(kind, record) {
  await ofKept(kind, (records) => records.put({ ...record, when: Date.now() }));
  for (const old of (await keptKeys(kind)).slice(KINDS[kind])) await forget(kind, old);
}
