//! Many items at once: one request for one context or one distinct key blob, and a result for each item, so that
//! one bad item does not lose the others.

use crate::call::Call;
use crate::client::{Inner, at_once};
use crate::failure::Failure;
use crate::local::{Output, Plain, Sealed};
use crate::output::Out;
use crate::tree::Node;
use js_sys::Array;
use std::collections::HashMap;
use std::rc::Rc;
use vault_core::cipher::{self, Key};
use vault_core::keys::CreateDataKey;
use vault_core::tree::{Tree, decimal, expected};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::JsValue;

fn items_of(items: &Node) -> Result<Vec<Node>, Failure> {
    let wrong = || {
        let problem = Problem::new("items", expected("an array", items.kind()));
        Error::invalid(Code::InvalidRequest, vec![problem]).into()
    };
    items.items().ok_or_else(wrong)
}

/// What is to be encrypted, item by item.
pub(crate) fn plain(items: &Node) -> Result<Vec<Result<Plain, Failure>>, Failure> {
    let items = items_of(items)?;
    Ok(items.iter().map(|item| Plain::read(&item.member("data"), &item.member("associatedData"))).collect())
}

/// What is to be decrypted, item by item.
pub(crate) fn sealed(items: &Node) -> Result<Vec<Result<Sealed, Failure>>, Failure> {
    let items = items_of(items)?;
    Ok(items
        .iter()
        .map(|item| Sealed::read(&item.member("envelope"), &item.member("associatedData")))
        .collect())
}

/// `{ok: true, value}` or `{ok: false, error}` for each item, in order.
fn settled(results: Vec<Result<JsValue, Failure>>) -> JsValue {
    let results: Array = results
        .into_iter()
        .enumerate()
        .map(|(index, result)| match result {
            Ok(value) => JsValue::from(Out::new().set("ok", true).set("value", value)),
            Err(failure) => {
                JsValue::from(Out::new().set("ok", false).set("error", JsValue::from(at(index, failure))))
            }
        })
        .collect();
    results.into()
}

/// Names the item in the problems of its arguments.
fn at(index: usize, mut failure: Failure) -> Failure {
    if let Failure::Vault { error, .. } = &mut failure
        && !error.problems.is_empty()
        && error.status.is_none()
    {
        let prefix = ["items[", &decimal(index as u64), "]."].concat();
        for problem in &mut error.problems {
            problem.field.insert_str(0, &prefix);
        }
        *error = Error::invalid(error.code, core::mem::take(&mut error.problems));
    }
    failure
}

impl Inner {
    /// Envelopes of all items, under one data key.
    pub(crate) async fn encrypt_many(
        &self,
        plain: Vec<Result<Plain, Failure>>,
        create: CreateDataKey,
        output: Output,
        call: &Call,
    ) -> Result<JsValue, Failure> {
        if plain.iter().all(Result::is_err) {
            return Ok(settled(plain.into_iter().map(|item| item.map(|_| JsValue::UNDEFINED)).collect()));
        }
        let pair = self.fresh_pair(create, call).await?;
        let mut results = Vec::with_capacity(plain.len());
        for item in plain {
            results.push(match item {
                Ok(item) => call.cut.race(pair.seal(&item, output)).await?,
                Err(failure) => Err(failure),
            });
        }
        Ok(settled(results))
    }

    /// Plaintexts of all items. Each distinct key blob is unwrapped once.
    pub(crate) async fn decrypt_many(
        self: Rc<Self>,
        sealed: Vec<Result<Sealed, Failure>>,
        call: Rc<Call>,
        as_bytes: bool,
    ) -> Result<JsValue, Failure> {
        let mut results: Vec<Option<Result<JsValue, Failure>>> = sealed.iter().map(|_| None).collect();
        let mut keys: HashMap<Vec<u8>, Result<Option<Key>, Failure>> = HashMap::new();
        // In rounds: the likeliest reading of each, then the next of those that did not open.
        for round in 0.. {
            let mut wanted: Vec<Vec<u8>> = Vec::new();
            let mut left = false;
            for (item, result) in sealed.iter().zip(&results) {
                let (Ok(item), None) = (item, result) else { continue };
                if let Some(parts) = item.readings().get(round) {
                    left = true;
                    if !keys.contains_key(parts.keys) && !wanted.iter().any(|blob| blob == parts.keys) {
                        wanted.push(parts.keys.to_vec());
                    }
                }
            }
            if !left {
                break;
            }
            let unwrapping = wanted.into_iter().map(|blob| {
                let (client, call) = (self.clone(), call.clone());
                async move {
                    let key = client.unwrap_key(&blob, &call).await;
                    (blob, key)
                }
            });
            keys.extend(at_once(unwrapping).await?);
            for (item, result) in sealed.iter().zip(&mut results) {
                let (Ok(item), None) = (item, &result) else { continue };
                let readings = item.readings();
                let Some(parts) = readings.get(round) else { continue };
                match keys.get(parts.keys) {
                    Some(Ok(Some(key))) => {
                        *result = call.cut.race(item.open(key, parts, as_bytes)).await?.transpose();
                    }
                    Some(Err(failure)) => *result = Some(Err(failure.clone())),
                    _ => {}
                }
            }
        }
        let results = sealed.into_iter().zip(results).map(|(item, result)| match (item, result) {
            (Err(failure), _) => Err(failure),
            (Ok(_), Some(result)) => result,
            (Ok(_), None) => Err(cipher::failed().into()),
        });
        Ok(settled(results.collect()))
    }
}
