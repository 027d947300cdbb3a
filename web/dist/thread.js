/*! Contains @bufbuild/protobuf 2.13.0, (Apache-2.0 AND BSD-3-Clause); @connectrpc/connect 2.1.2, Apache-2.0; @connectrpc/connect-web 2.1.2, Apache-2.0; @preact/signals 2.11.4, MIT; d3-array 3.2.5, ISC; d3-scale 4.0.3, ISC; lossless-json 4.3.3, MIT; papaparse 5.7.1, MIT; preact 11.2.0, MIT. */
self.addEventListener("message",e=>{});
