//! The store's own thread: jobs go in, one after the other, and their results come back.
//!
//! [`Keeper::inline`] runs the jobs where they are asked for, so that a simulation has no second thread.

use super::{Error, Store};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// A handle on the store. Clones share it; the store is closed when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Keeper {
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Thread(mpsc::Sender<Job>),
    Inline(Arc<Mutex<Store>>),
}

impl Keeper {
    /// Gives the store a thread of its own.
    pub fn thread(mut store: Store) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        std::thread::Builder::new().name("store".into()).spawn(move || {
            for job in inbox {
                job(&mut store);
            }
        })?;
        Ok(Self { place: Place::Thread(jobs) })
    }

    /// Runs every job at once, on the caller's thread.
    pub fn inline(store: Store) -> Self {
        Self { place: Place::Inline(Arc::new(Mutex::new(store))) }
    }

    /// Runs a job. Every caller has at most one under way, so that the queue is as short as there are callers.
    pub async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Store) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        match &self.place {
            Place::Inline(store) => job(&mut store.lock().unwrap_or_else(PoisonError::into_inner)),
            Place::Thread(jobs) => {
                let (reply, answer) = oneshot::channel();
                let job: Job = Box::new(move |store| {
                    // Whoever asked may be gone; what was done stays done.
                    drop(reply.send(job(store)));
                });
                jobs.send(job).map_err(|_| Error::Gone)?;
                answer.await.unwrap_or(Err(Error::Gone))
            }
        }
    }
}
